window.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#routes", deepLinking: true, defaultModelsExpandDepth: 0 });
