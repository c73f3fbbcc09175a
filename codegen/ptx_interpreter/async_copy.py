"""cp.async: copies that are on their way until waited for (PTX ISA, section 9.7.9.25)."""
