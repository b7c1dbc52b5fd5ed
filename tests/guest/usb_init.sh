#!/bin/sh
# The first and only process of a guest whose kernel has USB and a device controller that is software: its own serial
# gadget is the terminal's cash register port. Says what happened in lines that the test reads.
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for place in /run /tmp; do mount -t tmpfs tmpfs $place; done
mkdir -p /dev/pts; mount -t devpts pts /dev/pts
ifconfig lo 127.0.0.1 up
for module in dummy_hcd libcomposite usb_f_acm cdc_acm; do modprobe $module; done
mount -t configfs configfs /sys/kernel/config
/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle

gadget=/sys/kernel/config/usb_gadget/terminal
mkdir $gadget $gadget/strings/0x409 $gadget/configs/c.1 $gadget/functions/acm.0
echo 0x1d6b > $gadget/idVendor; echo 0x0104 > $gadget/idProduct
echo TERM0001 > $gadget/strings/0x409/serialnumber
ln -s $gadget/functions/acm.0 $gadget/configs/c.1/
plug() { echo dummy_udc.0 > $gadget/UDC; }
unplug() { echo > $gadget/UDC; }
plug
until [ -e /dev/ttyACM0 ]; do usleep 20000; done

bench=/fixtures/benches/realtime.toml
sed 's|serial:runs/stand-in/ecr?baud=115200|usb:1d6b:0104?serial=TERM0001|' $bench > /fixtures/benches/usb.toml
echo "CHECK $(swiperig check /fixtures/benches/usb.toml | grep 'on USB')"
carry() {  # a port that was unplugged is hung up: whoever has it open must open it again
  stty -F /dev/ttyGS0 raw -echo
  cat /dev/ttyGS0 > /runs/stand-in/ecr & from=$!
  cat /runs/stand-in/ecr > /dev/ttyGS0 & to=$!
}

campaign() {  # NAME: one sale over USB; unplugged for a moment before the terminal has anything to say
  swiperig stand-in --bench $bench > /tmp/stand-in.log 2>&1 & terminal=$!
  until [ -e /runs/stand-in/ecr ] && [ -e /runs/stand-in/robot ]; do usleep 50000; done
  carry
  swiperig run /fixtures/campaigns/no_return.toml --bench /fixtures/benches/usb.toml --cycles 1 --out /tmp/$1 \
    > /tmp/$1.log 2>&1 &
  run=$!
  while [ -e /dev/ttyACM0 ]; do usleep 10000; done  # taken from the kernel's driver
  kill $from $to; unplug; usleep 300000; plug; carry
  wait $run
  echo "RUN $1 exit $?"
  grep swiperig: /tmp/$1.log; tail -3 /tmp/$1.log
  swiperig export /tmp/$1
  swiperig explain /tmp/$1 --cycle 0 | grep -E 'usb is|shows'
  kill $from $to $terminal; wait $terminal
  [ -e /dev/ttyACM0 ] && echo "$1: the kernel has its port back"
}
campaign udev
kill $(pidof systemd-udevd)
campaign bare
echo "END"
poweroff -f
