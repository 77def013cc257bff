// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that other virtio devices have made: the device is told their UUIDs (virtio 1.4, 5.22.6.3.3: VIRTIO_MEDIA_MEM_OBJECT) instead of
 * the addresses of their pages, if it knows them.
 *
 * V4L2 has one kind of memory for all buffers of a queue, so the first buffer that is queued decides for all. The device begins to stream
 * after it: see media_choose_memory.
 */
#include <linux/virtio_dma_buf.h>

#include "media.h"

/* Writes the UUIDs of a buffer's planes; an error if another than a virtio device has made any of them. */
int media_object_names(struct vb2_buffer *vb, uuid_t *names)
{
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++) {
		struct dma_buf *plane = vb->planes[i].dbuf;
		int error = plane ? virtio_dma_buf_get_uuid(plane, &names[i]) : -EINVAL;

		if (error)
			return error;
	}
	return 0;
}

static int media_set_memory(struct media_queue *queue, u32 memory)
{
	struct media_session *session = vb2_get_drv_priv(&queue->vb2);
	struct v4l2_requestbuffers said = {
		.count = vb2_get_num_buffers(&queue->vb2), .type = queue->vb2.type, .memory = memory,
	};
	u32 count = said.count;
	int error = media_send_ioctl(session->media, session->id, VIDIOC_REQBUFS, &said, NULL, 0, NULL, 0);

	if (error)
		return error;
	queue->memory = memory;
	return said.count == count ? 0 : -ENOMEM;
}

/* Sends the first buffer of a queue, by name if that is possible. */
int media_send_first(struct vb2_buffer *vb)
{
	struct media_queue *queue = container_of(vb->vb2_queue, struct media_queue, vb2);
	uuid_t names[VIDEO_MAX_PLANES];
	int error;

	queue->decided = true;
	if (V4L2_TYPE_IS_MULTIPLANAR(vb->type) && !media_object_names(vb, names) && !media_set_memory(queue, V4L2_MEMORY_DMABUF)) {
		error = media_send_buffer(vb);
		/* Without the object: the other device is not one of those with which this one shares. */
		if (error != -EINVAL)
			return error;
	}
	if (queue->memory != V4L2_MEMORY_USERPTR) {
		error = media_set_memory(queue, V4L2_MEMORY_USERPTR);
		if (error)
			return error;
	}
	return media_send_buffer(vb);
}
