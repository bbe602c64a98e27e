"""A place in a checkout is a counted resource: experiences, their queues, draws and auctions, and whom they admit."""
