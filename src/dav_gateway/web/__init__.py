"""What browsers and portals are served: pages, and the few endpoints that clients call to set themselves up."""
