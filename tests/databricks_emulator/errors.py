"""An error as the workspace's APIs send it."""

from fastapi.responses import JSONResponse


class ApiError(Exception):
    """A status with Databricks' error code."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def response(self) -> JSONResponse:
        return JSONResponse({"error_code": self.code, "message": self.message}, self.status, self.headers)


def missing(what: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"{what} does not exist.")


def invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def conflict(message: str) -> ApiError:
    return ApiError(409, "RESOURCE_CONFLICT", message)


def exists(what: str) -> ApiError:
    return ApiError(409, "RESOURCE_ALREADY_EXISTS", f"{what} already exists.")
