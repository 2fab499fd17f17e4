"""Where runs run: processes of this machine, Slurm jobs, Dask workers, behind one interface."""
