"""Files of the catalogue, brought over HTTP: resumed, verified, never half there."""
