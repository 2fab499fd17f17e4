"""Machines that train runs: local processes, Slurm jobs, Dask workers, behind one interface."""
