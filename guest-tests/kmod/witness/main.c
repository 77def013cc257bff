// SPDX-License-Identifier: GPL-2.0
/*
 * witness: reports each call of the DMA API to a PCI function of Sluice, synchronously, for two kinds of devices: the
 * PCI functions of Sluice, which have a capability with a number, and devices that are not on a PCI bus, such as that
 * of /dev/udmabuf: they do no DMA, and their syncs are cache operations. The DMA of other PCI functions is not visible
 * to Sluice; they are ignored.
 *
 * Load it before the drivers of the devices, and after the driver of the IOMMU.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "witness.h"

#define MOST_FUNCTIONS	32

static struct pci_dev *door;

/* Read without a lock: a slot is set once and cleared once, and its number is written before it is set. */
static struct {
	struct device *dev;
	u32 number;
} functions[MOST_FUNCTIONS];

/* The capability: 'S', 'L', and a number of 16 bits. */
static u32 capability(struct pci_dev *pci)
{
	u32 word;
	int at;

	for (at = pci_find_capability(pci, PCI_CAP_ID_VNDR); at;
	     at = pci_find_next_capability(pci, at, PCI_CAP_ID_VNDR))
		if (!pci_read_config_dword(pci, at + 4, &word) && (word & 0xffff) == 0x4c53)
			return word >> 16;
	return 0;
}

u32 witness_number(struct device *dev)
{
	for (int i = 0; i < MOST_FUNCTIONS; i++)
		if (READ_ONCE(functions[i].dev) == dev)
			return functions[i].number;
	return 0;
}

bool witness_is_watched(struct device *dev)
{
	struct device *up;

	if (!dev || dev == &door->dev)
		return false;
	if (witness_number(dev))
		return true;
	for (up = dev; up; up = up->parent)
		if (dev_is_pci(up))
			return false;
	return true;
}

static void watch(struct pci_dev *pci)
{
	u32 number = capability(pci);

	if (!number || witness_number(&pci->dev))
		return;
	for (int i = 0; i < MOST_FUNCTIONS; i++) {
		if (functions[i].dev)
			continue;
		functions[i].number = number;
		smp_store_release(&functions[i].dev, &pci->dev);
		witness_need_sync(&pci->dev);
		witness_tell(&(struct witness_call){ .operation = WITNESS_HELLO, .name = "hello", .dev = &pci->dev,
			.flags = pci->driver ? WITNESS_BOUND : 0 });
		pci_info(pci, "witnessed as function %u of Sluice\n", number);
		return;
	}
	pci_warn(pci, "not witnessed: %d functions are the limit\n", MOST_FUNCTIONS);
}

static int on_bus(struct notifier_block *block, unsigned long event, void *data)
{
	struct device *dev = data;

	if (event == BUS_NOTIFY_ADD_DEVICE)
		watch(to_pci_dev(dev));
	/* After remove() and the release of the driver's managed resources. */
	if (event == BUS_NOTIFY_UNBOUND_DRIVER && witness_number(dev))
		witness_tell(&(struct witness_call){ .operation = WITNESS_UNBOUND, .name = "driver unbound", .dev = dev });
	if (event == BUS_NOTIFY_REMOVED_DEVICE)
		for (int i = 0; i < MOST_FUNCTIONS; i++)
			if (functions[i].dev == dev)
				WRITE_ONCE(functions[i].dev, NULL);
	return NOTIFY_OK;
}

static struct notifier_block bus = { .notifier_call = on_bus };

static int __init witness_init(void)
{
	struct pci_dev *pci = NULL;
	int err;

	door = pci_get_device(WITNESS_VENDOR, WITNESS_DEVICE, NULL);
	if (!door) {
		pr_err("witness: there is no witness function %04x:%04x\n", WITNESS_VENDOR, WITNESS_DEVICE);
		return -ENODEV;
	}
	err = witness_open(door);
	if (err)
		goto put;
	for_each_pci_dev(pci)
		watch(pci);
	err = bus_register_notifier(&pci_bus_type, &bus);
	if (err)
		goto close;
	err = witness_points_start();
	if (err)
		goto leave;
	err = witness_hooks_start();
	if (!err)
		return 0;
	witness_points_stop();
leave:
	bus_unregister_notifier(&pci_bus_type, &bus);
close:
	witness_close();
put:
	pci_dev_put(door);
	return err;
}

static void __exit witness_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &bus);
	witness_hooks_stop();
	witness_points_stop();
	witness_close();
	pci_dev_put(door);
}

module_init(witness_init);
module_exit(witness_exit);
MODULE_DESCRIPTION("Tells a device model of DMA ownership transfers");
MODULE_LICENSE("GPL");
