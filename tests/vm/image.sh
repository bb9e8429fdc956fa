#!/usr/bin/env bash
# image.sh ROOT IMAGE: an ext4 image of a tree, sparse.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
truncate --size=6G "$2.part"
mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1 -d "$1" "$2.part"
mv "$2.part" "$2"
