// SPDX-License-Identifier: GPL-2.0
/*
 * MMAP buffers in memory of the device (virtio 1.4, 5.22.6.3.1: VIRTIO_MEDIA_MEM_MMAP), which is shared memory region 0. The device is told
 * no addresses. What EXPBUF exports has the device's UUID, by which other virtio devices find it; the others cannot import it, because they
 * do not reach the region.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_dma_buf.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-memops.h>

#include "media.h"

#define REGION	0

static bool device_memory;
module_param(device_memory, bool, 0444);
MODULE_PARM_DESC(device_memory, "MMAP buffers of CAPTURE queues are the device's, and exported ones have UUIDs; otherwise they are the guest's");

/* A plane. It lives as long as its buffer, mappings and exports. */
struct media_range {
	struct media *media;
	struct media_session *session;	/* while the buffer is there */
	refcount_t users;
	struct vb2_vmarea_handler handler;
	u64 start;			/* in the region */
	unsigned long size;
	uuid_t name;
};

/* Those for other memory are there because videobuf2 looks for them before it is asked for other memory. */
static struct vb2_mem_ops media_region_memops;

static void media_put_range(void *from)
{
	struct media_range *range = from;

	if (!refcount_dec_and_test(&range->users))
		return;
	media_unmap(range->media, range->start);
	v4l2_device_put(&range->media->v4l2);
	kfree(range);
}

static unsigned int media_plane_of(struct vb2_buffer *vb, const void *mem)
{
	unsigned int plane = 0;

	while (plane < vb->num_planes && vb->planes[plane].mem_priv != mem)
		plane++;
	return plane;
}

/* The offset by which the device maps a plane. */
static int media_ask_offset(struct media_session *session, struct vb2_buffer *vb, unsigned int plane, u32 *offset)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = {};
	struct v4l2_buffer said = {
		.index = vb->index, .type = vb->type, .memory = V4L2_MEMORY_MMAP,
		.length = V4L2_TYPE_IS_MULTIPLANAR(vb->type) ? vb->num_planes : 0,
	};
	int error = media_send_ioctl(session->media, session->id, VIDIOC_QUERYBUF, &said, planes,
				     said.length * sizeof(*planes), NULL, 0);

	*offset = V4L2_TYPE_IS_MULTIPLANAR(vb->type) ? planes[plane].m.mem_offset : said.m.offset;
	return error;
}

/* The planes of a buffer are allocated in their order. */
static void *media_alloc_range(struct vb2_buffer *vb, struct device *dev, unsigned long size)
{
	struct media_session *session = vb2_get_drv_priv(vb->vb2_queue);
	struct media_range *range = kzalloc(sizeof(*range), GFP_KERNEL);
	u32 offset;
	u64 length;
	int error;

	if (!range)
		return ERR_PTR(-ENOMEM);
	error = media_ask_offset(session, vb, media_plane_of(vb, NULL), &offset);
	if (!error)
		error = media_map(session->media, session->id, offset, &range->start, &length);
	if (!error && (PAGE_ALIGN(length) < size || range->start > session->media->region.len ||
		       size > session->media->region.len - range->start)) {
		media_unmap(session->media, range->start);
		error = -EIO;
	}
	if (error) {
		kfree(range);
		return ERR_PTR(error);
	}
	range->media = session->media;
	range->session = session;
	range->size = size;
	range->handler = (struct vb2_vmarea_handler) { .refcount = &range->users, .put = media_put_range, .arg = range };
	refcount_set(&range->users, 1);
	v4l2_device_get(&session->media->v4l2);
	return range;
}

static unsigned int media_range_users(void *from)
{
	return refcount_read(&((struct media_range *)from)->users);
}

static int media_range_mmap(void *from, struct vm_area_struct *vma)
{
	struct media_range *range = from;
	phys_addr_t start = range->media->region.addr + range->start;
	int error;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > range->size)
		return -EINVAL;
	error = io_remap_pfn_range(vma, vma->vm_start, start >> PAGE_SHIFT, vma->vm_end - vma->vm_start, vma->vm_page_prot);
	if (error)
		return error;
	vma->vm_private_data = &range->handler;
	vma->vm_ops = &vb2_common_vm_ops;
	vma->vm_ops->open(vma);
	return 0;
}

/* An importer by UUID needs no list of addresses, and gets an empty one, as of virtio-gpu. */
static struct sg_table *media_map_range(struct dma_buf_attachment *attachment, enum dma_data_direction direction)
{
	struct sg_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	return table ? table : ERR_PTR(-ENOMEM);
}

static void media_unmap_range(struct dma_buf_attachment *attachment, struct sg_table *table, enum dma_data_direction direction)
{
	kfree(table);
}

static void media_release_range(struct dma_buf *dmabuf)
{
	media_put_range(dmabuf->priv);
}

static int media_mmap_exported(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return media_range_mmap(dmabuf->priv, vma);
}

static int media_range_name(struct dma_buf *dmabuf, uuid_t *name)
{
	*name = ((struct media_range *)dmabuf->priv)->name;
	return 0;
}

static const struct virtio_dma_buf_ops media_range_ops = {
	.ops = {
		.attach = virtio_dma_buf_attach,
		.map_dma_buf = media_map_range,
		.unmap_dma_buf = media_unmap_range,
		.release = media_release_range,
		.mmap = media_mmap_exported,
	},
	.get_uuid = media_range_name,
};

static struct dma_buf *media_export_range(struct vb2_buffer *vb, void *from, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct media_range *range = from;
	struct v4l2_exportbuffer said = {
		.type = vb->type, .index = vb->index, .plane = media_plane_of(vb, range), .flags = flags,
	};
	struct dma_buf *dmabuf;
	int error = media_send_ioctl(range->media, range->session->id, VIDIOC_EXPBUF, &said, &range->name, sizeof(range->name), NULL, 0);

	if (error)
		return NULL;
	info.ops = &media_range_ops.ops;
	info.size = range->size;
	info.flags = flags;
	info.priv = range;
	refcount_inc(&range->users);
	dmabuf = virtio_dma_buf_export(&info);
	if (!IS_ERR(dmabuf))
		return dmabuf;
	media_put_range(range);
	return NULL;
}

/* Finds the region of a new device. */
void media_find_region(struct media *media)
{
	media_region_memops = vb2_dma_sg_memops;
	media_region_memops.alloc = media_alloc_range;
	media_region_memops.put = media_put_range;
	media_region_memops.get_dmabuf = media_export_range;
	media_region_memops.mmap = media_range_mmap;
	media_region_memops.num_users = media_range_users;
	media_region_memops.prepare = NULL;
	media_region_memops.finish = NULL;
	media_region_memops.vaddr = NULL;
	media_region_memops.cookie = NULL;
	if (device_memory && !virtio_get_shm_region(media->vdev, &media->region, REGION))
		dev_warn(&media->vdev->dev, "the device has no memory for buffers: they are the guest's\n");
}

/* Whether buffers of this memory are the device's. */
bool media_is_device_memory(struct media_queue *queue, u32 memory)
{
	struct media_session *session = vb2_get_drv_priv(&queue->vb2);

	return memory == V4L2_MEMORY_MMAP && session->media->region.len && !queue->vb2.is_output;
}

/* Begins with another kind of memory: a queue that has no buffers, or that is about to lose those of the same kind. */
void media_choose_memory(struct media_queue *queue, u32 memory)
{
	bool device = media_is_device_memory(queue, memory);

	queue->vb2.mem_ops = device ? &media_region_memops : &vb2_dma_sg_memops;
	queue->memory = device ? V4L2_MEMORY_MMAP : V4L2_MEMORY_USERPTR;
	queue->decided = device;
	/* The first imported buffer decides on the device's kind of memory, which cannot change while the device streams. */
	queue->vb2.min_queued_buffers = memory == V4L2_MEMORY_DMABUF;
}
