#!/usr/bin/env bash
# root.sh OUT: a Debian of a test machine as OUT/root, its kernel as OUT/vmlinux, and OUT/initrd. Needs root.
# Packages come from this machine's own apt sources.
set -euo pipefail
out="$1"
root="$out/root"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export PATH="$PATH:/usr/sbin:/sbin"

packages="systemd,systemd-sysv,libnss-systemd,udev,dbus,kmod,iproute2,procps,bluez,bluez-test-tools"
packages+=",python3,python3-venv,mosquitto,mosquitto-clients,make,git,ca-certificates"

sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    if [ -s "$file" ]; then sources+=("$file"); fi
done

rm -rf "$out"
mkdir -p "$out"
# The hook has the stock kernel beside the root, only unpacked: the cloud kernel has no Bluetooth.
# shellcheck disable=SC2016 # the hook expands it
mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='
        set -e
        kernel=$(APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: //p")
        mkdir "$1/unpacked" && cd "$1/unpacked" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download -q "$kernel"
        dpkg-deb -x "$kernel"*.deb "$PWD/kernel"' \
    bookworm "$root" "${sources[@]}"
mv "$root/unpacked/kernel" "$out/kernel"
rm -r "$root/unpacked"

# The ELF kernel itself, out of its compressed image: booting that saves unpacking it under emulation.
python3 "$here/elf_kernel.py" "$out"/kernel/boot/vmlinuz-* "$out/vmlinux"

release="$(basename "$out"/kernel/lib/modules/*)"
copied() {  # copied ROOT MODULE...: copy modules and what they need
    local to="$1"
    shift
    modprobe --dirname "$out/kernel" --set-version "$release" --show-depends --all "$@" |
        sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r file; do
        install -D -m 644 "$file" "$to/lib/modules/$release/${file#*/lib/modules/"$release"/}"
    done
    cp "$out/kernel/lib/modules/$release"/modules.{builtin,order,builtin.modinfo} "$to/lib/modules/$release/"
    depmod --basedir "$to" "$release"
}

depmod --basedir "$out/kernel" "$release"
# Without ecb, on a CPU without AES-NI, hci0 exists and bluetoothd shows no adapter.
copied "$root/usr" bluetooth hci_vhci uhid uinput 9p 9pnet_virtio virtio_net virtio_rng \
    aes_generic aesni_intel ecb cbc ctr gcm hmac cmac ccm ecdh_generic sha256_generic \
    algif_hash algif_skcipher autofs4 overlay

# The initrd loads what the root file system needs, and goes there.
initrd="$out/initrd.d"
mkdir -p "$initrd"/{bin,dev,proc,sys,newroot}
cp /bin/busybox "$initrd/bin/busybox"
copied "$initrd" virtio_pci virtio_blk ext4 crc32c_generic
cat > "$initrd/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
for module in virtio_pci virtio_blk crc32c_generic ext4; do /bin/busybox modprobe "$module"; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /newroot
/bin/busybox mount --move /dev /newroot/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /newroot /sbin/init
INIT
chmod +x "$initrd/init"
(cd "$initrd" && find . | cpio --quiet --create --format=newc) > "$out/initrd"

# The machine: a fixed identity, no unit that waits for a network or a user, our share and our test.
echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id"
echo testmachine > "$root/etc/hostname"
printf '127.0.0.1 localhost testmachine\n' > "$root/etc/hosts"
printf '/dev/vda / ext4 defaults 0 0\nshare /share 9p trans=virtio,version=9p2000.L,msize=262144 0 0\n' > "$root/etc/fstab"
mkdir -p "$root/share" "$root/var/log/journal"
printf 'hci_vhci\nuhid\nvirtio_rng\necb\ncmac\nalgif_hash\nalgif_skcipher\n' > "$root/etc/modules-load.d/vm.conf"
for unit in getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service apt-daily.timer \
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-networkd.service systemd-networkd-wait-online.service systemd-pstore.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cat > "$root/etc/systemd/system/vm-test.service" <<'UNIT'
[Unit]
Description=The test that the share holds
After=mosquitto.service bluetooth.service
RequiresMountsFor=/share
[Service]
WorkingDirectory=/share
ExecStart=/usr/bin/python3 -B -m tests.vm.guest.main
StandardOutput=journal+console
StandardError=journal+console
[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../vm-test.service "$root/etc/systemd/system/multi-user.target.wants/vm-test.service"
rm -rf "$out/kernel" "$initrd" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*

bash "$here/image.sh" "$root" "$out/image"
