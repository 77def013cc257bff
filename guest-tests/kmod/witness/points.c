// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA tracepoints, for calls that must be reported after the kernel's own work: when a bounce buffer is filled, and
 * addresses are known. Names differ between kernels, so they are looked up; a missing one belongs to another kernel.
 */
#include <linux/iommu.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "witness.h"

/* Without a translation, an address other than that of the memory is that of a bounce buffer. */
static u32 bounced(struct device *dev, phys_addr_t phys, dma_addr_t address)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (domain && domain->type != IOMMU_DOMAIN_IDENTITY)
		return 0;
	return phys == address ? 0 : WITNESS_BOUNCED;
}

static void on_map_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents, int ents,
		      enum dma_data_direction dir, unsigned long attrs)
{
	if (!witness_is_watched(dev))
		return;
	witness_need_sync(dev);
	witness_tell(&(struct witness_call){ .operation = WITNESS_MAP, .name = "dma_map_sg", .dev = dev,
		.direction = dir, .attributes = attrs, .sgl = sgl, .nents = ents, .size = nents,
		.flags = ents > 0 ? bounced(dev, sg_phys(sgl), sg_dma_address(sgl)) : 0 });
}

static void map(const char *name, struct device *dev, phys_addr_t phys, dma_addr_t address, size_t size,
		enum dma_data_direction dir, unsigned long attrs)
{
	if (!witness_is_watched(dev) || address == DMA_MAPPING_ERROR)
		return;
	witness_need_sync(dev);
	witness_tell(&(struct witness_call){ .operation = WITNESS_MAP, .name = name, .dev = dev,
		.direction = dir, .attributes = attrs, .address = address, .length = size,
		.flags = bounced(dev, phys, address) });
}

static void on_map_phys(void *data, struct device *dev, phys_addr_t phys, dma_addr_t address, size_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	map("dma_map_phys", dev, phys, address, size, dir, attrs);
}

static void on_map_page(void *data, struct device *dev, phys_addr_t phys, dma_addr_t address, size_t size,
			enum dma_data_direction dir, unsigned long attrs)
{
	map("dma_map_page", dev, phys, address, size, dir, attrs);
}

/* dma_map_phys with DMA_ATTR_MMIO in later versions */
static void on_map_resource(void *data, struct device *dev, phys_addr_t phys, dma_addr_t address, size_t size,
			    enum dma_data_direction dir, unsigned long attrs)
{
	map("dma_map_resource", dev, phys, address, size, dir, attrs | WITNESS_ATTR_MMIO);
}

static void on_unmap_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents,
			enum dma_data_direction dir, unsigned long attrs)
{
	/* This one comes before the unmap, in all versions. */
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_unmap_sg", .dev = dev,
		.direction = dir, .attributes = attrs, .sgl = sgl, .nents = nents, .size = nents });
}

static void on_sync_device(void *data, struct device *dev, dma_addr_t address, size_t size,
			   enum dma_data_direction dir)
{
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_SYNC_FOR_DEVICE,
		.name = "dma_sync_single_for_device", .dev = dev, .direction = dir, .address = address,
		.length = size });
}

static void on_sync_sg_device(void *data, struct device *dev, struct scatterlist *sgl, int nents,
			      enum dma_data_direction dir)
{
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_SYNC_FOR_DEVICE,
		.name = "dma_sync_sg_for_device", .dev = dev, .direction = dir, .sgl = sgl, .nents = nents,
		.size = nents });
}

static void on_alloc(void *data, struct device *dev, void *virt, dma_addr_t address, size_t size,
		     enum dma_data_direction dir, gfp_t flags, unsigned long attrs)
{
	if (!virt || !witness_is_watched(dev))
		return;
	witness_need_sync(dev);
	witness_tell(&(struct witness_call){ .operation = WITNESS_ALLOC, .name = "dma_alloc", .dev = dev,
		.attributes = attrs, .address = address, .length = PAGE_ALIGN(size), .extra = (unsigned long)virt });
}

static void on_free(void *data, struct device *dev, void *virt, dma_addr_t address, size_t size,
		    enum dma_data_direction dir, unsigned long attrs)
{
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_FREE, .name = "dma_free", .dev = dev,
		.attributes = attrs, .address = address, .length = PAGE_ALIGN(size), .extra = (unsigned long)virt });
}

/*
 * Memory of dma_alloc_pages and dma_alloc_noncontiguous is synced like mapped memory; the device owns it from the
 * allocation.
 */
static void on_alloc_pages(void *data, struct device *dev, void *virt, dma_addr_t address, size_t size,
			   enum dma_data_direction dir, gfp_t flags, unsigned long attrs)
{
	if (virt)
		map("dma_alloc_pages", dev, address, address, PAGE_ALIGN(size), dir, attrs);
}

static void on_alloc_sgt(void *data, struct device *dev, struct sg_table *sgt, size_t size,
			 enum dma_data_direction dir, gfp_t flags, unsigned long attrs)
{
	if (!sgt || !witness_is_watched(dev))
		return;
	witness_need_sync(dev);
	witness_tell(&(struct witness_call){ .operation = WITNESS_MAP, .name = "dma_alloc_noncontiguous",
		.dev = dev, .direction = dir, .attributes = attrs, .sgl = sgt->sgl, .nents = sgt->nents });
}

static void on_free_pages(void *data, struct device *dev, void *virt, dma_addr_t address, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_free_pages", .dev = dev,
		.direction = dir, .attributes = attrs, .address = address, .length = PAGE_ALIGN(size) });
}

static void on_free_sgt(void *data, struct device *dev, struct sg_table *sgt, size_t size,
			enum dma_data_direction dir)
{
	if (!witness_is_watched(dev))
		return;
	witness_tell(&(struct witness_call){ .operation = WITNESS_UNMAP, .name = "dma_free_noncontiguous",
		.dev = dev, .direction = dir, .sgl = sgt->sgl, .nents = sgt->nents });
}

static struct point {
	const char *name;
	void *probe;
	struct tracepoint *found;
	bool on;
} points[] = {
	{ "dma_map_sg", on_map_sg },
	{ "dma_map_phys", on_map_phys },
	{ "dma_map_page", on_map_page },
	{ "dma_map_resource", on_map_resource },
	{ "dma_unmap_sg", on_unmap_sg },
	{ "dma_sync_single_for_device", on_sync_device },
	{ "dma_sync_sg_for_device", on_sync_sg_device },
	{ "dma_alloc", on_alloc },
	{ "dma_free", on_free },
	{ "dma_alloc_pages", on_alloc_pages },
	{ "dma_free_pages", on_free_pages },
	{ "dma_alloc_sgt", on_alloc_sgt },
	{ "dma_free_sgt", on_free_sgt },
};

static void find(struct tracepoint *tp, void *data)
{
	for (int i = 0; i < ARRAY_SIZE(points); i++)
		if (!strcmp(tp->name, points[i].name))
			points[i].found = tp;
}

int witness_points_start(void)
{
	for_each_kernel_tracepoint(find, NULL);
	for (int i = 0; i < ARRAY_SIZE(points); i++) {
		int err;

		if (!points[i].found)
			continue;
		err = tracepoint_probe_register(points[i].found, points[i].probe, NULL);
		if (err) {
			pr_err("witness: tracepoint %s: error %d\n", points[i].name, err);
			witness_points_stop();
			return err;
		}
		points[i].on = true;
	}
	return 0;
}

void witness_points_stop(void)
{
	for (int i = 0; i < ARRAY_SIZE(points); i++) {
		if (points[i].on)
			tracepoint_probe_unregister(points[i].found, points[i].probe, NULL);
		points[i].on = false;
	}
	tracepoint_synchronize_unregister();
}
