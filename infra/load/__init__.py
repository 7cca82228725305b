"""A load: the files that it reads, its statements with what is seen of them meanwhile, and what it says at the end."""
