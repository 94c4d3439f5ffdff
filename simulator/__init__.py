"""An exchange for offline use: speaks the public REST interface of Bybit v5."""
