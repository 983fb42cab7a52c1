"""Selling and giving credits: packages, orders, payment gateways, redemption codes."""
