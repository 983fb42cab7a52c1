"""Redeeming for whoever asks over HTTP: so many tries for each person and each address, then the command."""

from vermilion.billing.commands.redemption import redeem
from vermilion.billing.house import BillingHouse
from vermilion.billing.views import RedeemedView
from vermilion.identity import Actor, address_bucket


async def redeem_for(house: BillingHouse, actor: Actor, typed: str) -> RedeemedView:
    """Redeem a code; raises what `redeem` raises, and 429 `rate.limited`.

    Whoever has a code that is good may have more of them: only tries that fail use up the person's quota.
    """
    quotas = house.limiter.quotas
    person = str(actor.user_id)
    house.limiter.require(quotas.redeem_per_ip, address_bucket(actor.ip))
    house.limiter.require(quotas.redeem_per_actor, person)
    redeemed = await house.db.write(redeem, house.code_key, actor.user_id, typed, house.clock.now())
    house.limiter.forgive(quotas.redeem_per_actor, person)
    return redeemed
