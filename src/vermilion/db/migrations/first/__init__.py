"""The first version's tables, room by room, as `0001` makes them. These files never change again."""
