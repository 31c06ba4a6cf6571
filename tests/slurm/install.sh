#!/bin/sh
# What a cluster on one machine needs (cluster.py beside this starts it): Debian's SLURM and munge. For root; nothing is started.
set -eu
command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && exit 0
[ "$(id -u)" = 0 ] || { echo "SLURM is not installed, and only root may install it"; exit 1; }
command -v apt-get >/dev/null || { echo "SLURM is not installed, and there is no apt-get to install it with"; exit 1; }
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm munge
