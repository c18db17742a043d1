"""Emulator of the marketplace Kuper (СберМаркет): notifications, pull API and webhooks. See ../README.md."""
