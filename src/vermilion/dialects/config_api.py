"""`GET /api/config`: what this house is and has, for the described system's clients."""

from pydantic import BaseModel

from vermilion import __version__
from vermilion.billing import offers
from vermilion.dialects.house import HouseHere
from vermilion.dialects.routes import Route, face
from vermilion.identity import read_choices, sign_in_methods
from vermilion.library import storage_settings


class FeaturesView(BaseModel):
    """What the house has, and what it has not."""

    auth: bool
    enable_signup: bool
    enable_login_form: bool
    enable_api_key: bool
    enable_phone_signin: bool
    enable_email_binding: bool
    enable_cloud_storage: bool
    enable_credit_buying: bool
    enable_redemption_codes: bool
    enable_image_generation: bool
    enable_video_generation: bool
    sandbox: bool


class DescribedConfigView(BaseModel):
    """Name, version, features, the language where nobody chose one, and how people sign in."""

    status: bool
    name: str
    version: str
    default_locale: str
    features: FeaturesView
    sign_in_methods: list[str]


@face(Route("GET", "/config", "anybody", "What this studio is", root="/api"))
async def get_config(house: HouseHere) -> DescribedConfigView:
    """Nobody needs to be signed in. What depends on the operator's choice says what was chosen."""
    choices = await house.db.read(read_choices)
    offered = await house.db.read(offers, house.sealer)
    methods = await house.db.read(sign_in_methods)
    return DescribedConfigView(
        status=True,
        name=choices.studio_name,
        version=__version__,
        default_locale=choices.default_locale,
        features=FeaturesView(
            auth=True,
            enable_signup=choices.sign_up_open,
            enable_login_form=True,
            enable_api_key=True,
            enable_phone_signin="phone" in methods,
            enable_email_binding=True,
            enable_cloud_storage=(await storage_settings(house)).kind != "local",
            enable_credit_buying=bool(offered.packages),
            enable_redemption_codes=True,
            enable_image_generation=True,
            enable_video_generation=True,
            sandbox=house.sandbox,
        ),
        sign_in_methods=list(methods),
    )
