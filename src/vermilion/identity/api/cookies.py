"""The session cookie: who comes in is given it, who leaves is not."""

from fastapi import Request, Response

from vermilion.identity.access import cookie_name, house_of
from vermilion.identity.actors import SESSION_ABSOLUTE
from vermilion.identity.views import UserAnswer, UserView


def let_in(request: Request, response: Response, came: tuple[UserView, str]) -> UserAnswer:
    """Say who came in, and give the browser their session, by its token.

    Scripts cannot read it, and other sites' writes do not carry it.
    """
    user, token = came
    house = house_of(request)
    response.set_cookie(
        cookie_name(house),
        token,
        max_age=int(SESSION_ABSOLUTE.total_seconds()),
        path="/",
        secure=house.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return UserAnswer(user=user)


def clear_session_cookie(request: Request, response: Response) -> None:
    """Take the session out of the browser."""
    house = house_of(request)
    response.delete_cookie(cookie_name(house), path="/", secure=house.secure_cookies, httponly=True, samesite="lax")


def session_token(request: Request) -> str | None:
    """The session token the browser sent, whatever it is worth."""
    return request.cookies.get(cookie_name(house_of(request))) or None
