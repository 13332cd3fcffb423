"""What reads and embeds by LangChain's names, and what stands around each call: prompt, deadline, breaker, reasons."""
