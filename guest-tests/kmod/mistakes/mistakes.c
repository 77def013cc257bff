// SPDX-License-Identifier: GPL-2.0
/*
 * A small driver that makes one mistake with the DMA API, of one line, or none. Its device (InvertingDevice in vdev's fixtures) reads a
 * buffer and writes the inverted bytes to another. Both buffers are used twice while they are mapped, so that each transfer is due.
 *
 * Everything runs in probe. /sys/bus/pci/drivers/mistakes/DEVICE/saw shows what the CPU has read.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>

#define LENGTH		1024
#define LINE		64
#define POISON		0xee
#define TRIES		1000

/* Registers of BAR 0, 4 bytes each. */
#define SOURCE		0x00
#define TARGET		0x08
#define BYTES		0x10
#define START		0x14
#define STATUS		0x18
#define STATUS_DONE	2

enum {
	NONE,
	NO_SYNC_FOR_CPU,
	NO_SYNC_FOR_DEVICE,
	MAP_DIRECTION,
	SYNC_DIRECTION,
	SYNC_TOO_LONG,
	SYNC_AFTER_UNMAP,
	EARLY_UNMAP,
	DMA_AFTER_UNMAP,
	DMA_TOO_LONG,
	DOUBLE_MAP,
	DOUBLE_UNMAP,
	UNMAP_DIRECTION,
	UNMAP_SIZE,
	SKIPPED_SYNC,
	LEAK,
	UNMAP_ERROR,
	UNMAP_FUNCTION,
	LIST_SYNC,
	LIST_UNMAP,
};

static int mistake;
module_param(mistake, int, 0444);
MODULE_PARM_DESC(mistake, "which mistake is made, 0 for none");

struct mistakes {
	struct device *dev;
	void __iomem *bar;
	u8 *source, *target;
	dma_addr_t from, to;
	const char *first, *second;	/* what the CPU has seen of the rounds */
};

static void fill(struct mistakes *m, u8 round)
{
	for (int i = 0; i < LENGTH; i++)
		m->source[i] = i * 7 + round;
}

/* What the CPU reads of a round: all of it, nothing of it, or neither. */
static const char *seen(struct mistakes *m, u8 round)
{
	int right = 0, old = 0;

	for (int i = 0; i < LENGTH; i++) {
		u8 byte = READ_ONCE(m->target[i]);

		right += byte == (u8)~(i * 7 + round);
		old += byte == (round == 1 ? POISON : (u8)~(i * 7 + round - 1));
	}
	return right == LENGTH ? "right" : old == LENGTH ? "stale" : "other";
}

static void start(struct mistakes *m, u32 length)
{
	writel(lower_32_bits(m->from), m->bar + SOURCE);
	writel(upper_32_bits(m->from), m->bar + SOURCE + 4);
	writel(lower_32_bits(m->to), m->bar + TARGET);
	writel(upper_32_bits(m->to), m->bar + TARGET + 4);
	writel(length, m->bar + BYTES);
	writel(1, m->bar + START);
}

/* The device makes progress while its status is polled. */
static void finish(struct mistakes *m)
{
	for (int i = 0; i < TRIES; i++) {
		if (readl(m->bar + STATUS) == STATUS_DONE)
			return;
		usleep_range(100, 200);
	}
	dev_err(m->dev, "the device does not end\n");
}

static void start_again(struct mistakes *m)
{
	start(m, LENGTH);
	finish(m);
}

/* Both buffers once more, as a list. */
static void list(struct mistakes *m)
{
	struct scatterlist sgl[2];
	int mapped;

	sg_init_table(sgl, 2);
	sg_set_buf(&sgl[0], m->source, LENGTH);
	sg_set_buf(&sgl[1], m->target, LENGTH);
	mapped = dma_map_sg(m->dev, sgl, 2, DMA_TO_DEVICE);
	if (!mapped)
		return;
	dma_sync_sg_for_device(m->dev, sgl, mistake == LIST_SYNC ? 1 : 2, DMA_TO_DEVICE);
	if (mistake == UNMAP_FUNCTION)
		for (int i = 0; i < mapped; i++)
			dma_unmap_single(m->dev, sg_dma_address(&sgl[i]), sg_dma_len(&sgl[i]), DMA_TO_DEVICE);
	else
		dma_unmap_sg(m->dev, sgl, mistake == LIST_UNMAP ? 1 : 2, DMA_TO_DEVICE);
}

static int work(struct mistakes *m)
{
	dma_addr_t again = DMA_MAPPING_ERROR;

	fill(m, 1);
	memset(m->target, POISON, PAGE_SIZE);
	m->from = dma_map_single(m->dev, m->source, LENGTH, DMA_TO_DEVICE);
	if (dma_mapping_error(m->dev, m->from))
		return -EIO;
	m->to = dma_map_single(m->dev, m->target, LENGTH, mistake == MAP_DIRECTION ? DMA_TO_DEVICE : DMA_FROM_DEVICE);
	if (dma_mapping_error(m->dev, m->to)) {
		dma_unmap_single(m->dev, m->from, LENGTH, DMA_TO_DEVICE);
		return -EIO;
	}
	if (mistake == DOUBLE_MAP)
		again = dma_map_single(m->dev, m->target, LENGTH, DMA_FROM_DEVICE);

	start(m, mistake == DMA_TOO_LONG ? LENGTH + LINE : LENGTH);
	finish(m);
	if (mistake != NO_SYNC_FOR_CPU)
		dma_sync_single_for_cpu(m->dev, m->to, mistake == SYNC_TOO_LONG ? LENGTH + LINE : LENGTH,
					mistake == SYNC_DIRECTION ? DMA_TO_DEVICE : DMA_FROM_DEVICE);
	m->first = seen(m, 1);

	dma_sync_single_for_cpu(m->dev, m->from, LENGTH, DMA_TO_DEVICE);
	fill(m, 2);
	if (mistake != NO_SYNC_FOR_DEVICE)
		dma_sync_single_for_device(m->dev, m->from, LENGTH, DMA_TO_DEVICE);
	dma_sync_single_for_device(m->dev, m->to, LENGTH, DMA_FROM_DEVICE);
	start(m, LENGTH);
	if (mistake != EARLY_UNMAP)
		finish(m);

	if (!dma_mapping_error(m->dev, again))
		dma_unmap_single(m->dev, again, LENGTH, DMA_FROM_DEVICE);
	if (mistake != LEAK)
		dma_unmap_single_attrs(m->dev, m->to, mistake == UNMAP_SIZE ? LENGTH / 2 : LENGTH,
				       mistake == UNMAP_DIRECTION ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
				       mistake == SKIPPED_SYNC ? DMA_ATTR_SKIP_CPU_SYNC : 0);
	if (mistake == DOUBLE_UNMAP)
		dma_unmap_single(m->dev, m->to, LENGTH, DMA_FROM_DEVICE);
	if (mistake == SYNC_AFTER_UNMAP)
		dma_sync_single_for_cpu(m->dev, m->to, LENGTH, DMA_FROM_DEVICE);
	if (mistake == EARLY_UNMAP)
		finish(m);
	if (mistake == DMA_AFTER_UNMAP)
		start_again(m);
	dma_unmap_single(m->dev, m->from, LENGTH, DMA_TO_DEVICE);
	m->second = seen(m, 2);
	if (mistake == UNMAP_ERROR)
		dma_unmap_single(m->dev, DMA_MAPPING_ERROR, LENGTH, DMA_TO_DEVICE);
	list(m);
	return 0;
}

static ssize_t saw_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mistakes *m = dev_get_drvdata(dev);

	return sysfs_emit(buf, "SLUICE mistake %d saw %s %s\n", mistake, m->first, m->second);
}
static DEVICE_ATTR_RO(saw);

static struct attribute *mistakes_attrs[] = { &dev_attr_saw.attr, NULL };
ATTRIBUTE_GROUPS(mistakes);

static int mistakes_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct mistakes *m = devm_kzalloc(&pci->dev, sizeof(*m), GFP_KERNEL);
	int err;

	if (!m)
		return -ENOMEM;
	m->dev = &pci->dev;
	pci_set_drvdata(pci, m);
	err = pcim_enable_device(pci);
	if (err)
		return err;
	m->bar = pcim_iomap(pci, 0, 0);
	/* One page each, so that they share no cache line with other data. */
	m->source = (void *)devm_get_free_pages(&pci->dev, GFP_KERNEL, 0);
	m->target = (void *)devm_get_free_pages(&pci->dev, GFP_KERNEL, 0);
	if (!m->bar || !m->source || !m->target)
		return -ENOMEM;
	pci_set_master(pci);
	err = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(64));
	return err ? err : work(m);
}

static void mistakes_remove(struct pci_dev *pci)
{
	pci_clear_master(pci);
}

static const struct pci_device_id mistakes_ids[] = {
	{ PCI_DEVICE(0x1234, 0xd3a0) },
	{ 0 },
};
MODULE_DEVICE_TABLE(pci, mistakes_ids);

static struct pci_driver mistakes_driver = {
	.name = KBUILD_MODNAME,
	.dev_groups = mistakes_groups,
	.id_table = mistakes_ids,
	.probe = mistakes_probe,
	.remove = mistakes_remove,
};
module_pci_driver(mistakes_driver);

MODULE_DESCRIPTION("A driver with one mistake");
MODULE_LICENSE("GPL");
