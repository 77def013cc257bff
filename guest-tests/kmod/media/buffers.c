// SPDX-License-Identifier: GPL-2.0
/* The queues of a session: buffers of videobuf2, and for the device lists of their DMA addresses. */
#include <linux/slab.h>
#include <linux/version.h>
#include <media/v4l2-common.h>
#include <media/videobuf2-dma-sg.h>

#include "media.h"

/* What the device tells of a buffer that it has filled. */
#define MEDIA_TOLD	(V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_PFRAME | V4L2_BUF_FLAG_BFRAME | V4L2_BUF_FLAG_LAST | \
			 V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_TSTAMP_SRC_MASK)

static struct media_queue *media_queue(struct vb2_queue *vb2)
{
	return container_of(vb2, struct media_queue, vb2);
}

static struct media_buffer *media_buffer(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct media_buffer, vb);
}

/* The device's format says what a buffer must have. */
static int media_ask_sizes(struct media_queue *queue)
{
	struct media_session *session = vb2_get_drv_priv(&queue->vb2);
	struct v4l2_format *format = kzalloc(sizeof(*format), GFP_KERNEL);
	unsigned int i;
	int error;

	if (!format)
		return -ENOMEM;
	format->type = queue->vb2.type;
	error = media_send_ioctl(session->media, session->id, VIDIOC_G_FMT, format, NULL, 0, NULL, 0);
	if (error)
		goto free;
	if (V4L2_TYPE_IS_MULTIPLANAR(queue->vb2.type)) {
		queue->planes = format->fmt.pix_mp.num_planes;
		for (i = 0; i < VIDEO_MAX_PLANES; i++)
			queue->sizes[i] = format->fmt.pix_mp.plane_fmt[i].sizeimage;
	} else {
		queue->planes = 1;
		queue->sizes[0] = format->fmt.pix.sizeimage;
	}
	if (queue->planes < 1 || queue->planes > VIDEO_MAX_PLANES)
		error = -EIO;
	for (i = 0; !error && i < queue->planes; i++)
		if (!queue->sizes[i])
			error = -EINVAL;
free:
	kfree(format);
	return error;
}

static int media_queue_setup(struct vb2_queue *vb2, unsigned int *buffers, unsigned int *planes, unsigned int sizes[],
			     struct device *devices[])
{
	struct media_queue *queue = media_queue(vb2);
	int error = media_ask_sizes(queue);
	unsigned int i;

	if (error)
		return error;
	if (*planes && *planes != queue->planes)
		return -EINVAL;
	for (i = 0; i < queue->planes; i++) {
		if (!*planes)
			sizes[i] = queue->sizes[i];
		else if (sizes[i] < queue->sizes[i])
			return -EINVAL;
	}
	*planes = queue->planes;
	return 0;
}

static int media_buf_prepare(struct vb2_buffer *vb)
{
	struct media_queue *queue = media_queue(vb->vb2_queue);
	struct vb2_v4l2_buffer *buffer = to_vb2_v4l2_buffer(vb);
	uuid_t names[VIDEO_MAX_PLANES];
	unsigned int i;

	if (!vb->vb2_queue->is_output) {
		for (i = 0; i < vb->num_planes; i++)
			if (vb2_plane_size(vb, i) < queue->sizes[i])
				return -EINVAL;
	} else if (buffer->field == V4L2_FIELD_ANY) {
		buffer->field = V4L2_FIELD_NONE;
	}
	return queue->memory == V4L2_MEMORY_DMABUF ? media_object_names(vb, names) : 0;
}

static int media_out_validate(struct vb2_buffer *vb)
{
	to_vb2_v4l2_buffer(vb)->field = V4L2_FIELD_NONE;
	return 0;
}

/*
 * The DMA addresses of a buffer, plane after plane; neighbours are one entry. Returns the number of entries, or an error if a plane is
 * shorter than it claims to be.
 */
static int media_list(struct vb2_buffer *vb, struct media_entry *list)
{
	struct scatterlist *sg;
	unsigned int plane;
	int count = 0, i;

	for (plane = 0; plane < vb->num_planes; plane++) {
		struct sg_table *table = vb2_dma_sg_plane_desc(vb, plane);
		u64 left = vb2_plane_size(vb, plane), end = 0;
		int first = count;

		for_each_sgtable_dma_sg(table, sg, i) {
			u32 bytes = min_t(u64, left, sg_dma_len(sg));
			struct media_entry *last = &list[count - 1];

			if (!bytes)
				break;
			if (count > first && end == sg_dma_address(sg) && le32_to_cpu(last->len) + (u64)bytes <= U32_MAX)
				le32_add_cpu(&last->len, bytes);
			else
				list[count++] = (struct media_entry) {
					.start = cpu_to_le64(sg_dma_address(sg)), .len = cpu_to_le32(bytes),
				};
			end = sg_dma_address(sg) + bytes;
			left -= bytes;
		}
		if (left)
			return -EINVAL;
	}
	return count;
}

/* Describes a buffer and, if it is not of single planes, these; returns the bytes that follow the structure. */
static size_t media_describe(struct vb2_buffer *vb, struct v4l2_buffer *said, struct v4l2_plane *planes)
{
	unsigned int i;

	v4l2_buffer_set_timestamp(said, vb->timestamp);
	if (!V4L2_TYPE_IS_MULTIPLANAR(vb->type)) {
		said->length = vb2_plane_size(vb, 0);
		said->bytesused = vb2_get_plane_payload(vb, 0);
		return 0;
	}
	said->length = vb->num_planes;
	for (i = 0; i < vb->num_planes; i++) {
		planes[i].length = vb2_plane_size(vb, i);
		planes[i].bytesused = vb2_get_plane_payload(vb, i);
		planes[i].data_offset = vb->planes[i].data_offset;
	}
	return vb->num_planes * sizeof(*planes);
}

int media_send_buffer(struct vb2_buffer *vb)
{
	struct media_session *session = vb2_get_drv_priv(vb->vb2_queue);
	struct vb2_v4l2_buffer *buffer = to_vb2_v4l2_buffer(vb);
	u8 more[VIDEO_MAX_PLANES * (sizeof(struct v4l2_plane) + sizeof(uuid_t))] __aligned(8) = {};
	struct media_entry *list = NULL;
	struct v4l2_buffer said = {
		.index = vb->index, .type = vb->type, .memory = media_queue(vb->vb2_queue)->memory, .field = buffer->field,
		.flags = buffer->flags, .timecode = buffer->timecode,
	};
	size_t bytes = media_describe(vb, &said, (struct v4l2_plane *)more);
	unsigned int i, most = 0;
	int count = 0, error;

	if (said.memory == V4L2_MEMORY_DMABUF) {
		error = media_object_names(vb, (uuid_t *)(more + bytes));
		if (error)
			return error;
		bytes += vb->num_planes * sizeof(uuid_t);
	} else if (said.memory == V4L2_MEMORY_USERPTR) {
		for (i = 0; i < vb->num_planes; i++)
			most += vb2_dma_sg_plane_desc(vb, i)->nents;
		list = kvcalloc(most, sizeof(*list), GFP_KERNEL);
		if (!list)
			return -ENOMEM;
		count = media_list(vb, list);
	}
	error = count < 0 ? count : media_send_ioctl(session->media, session->id, VIDIOC_QBUF, &said, more, bytes, list, count);
	kvfree(list);
	return error;
}

static void media_buf_queue(struct vb2_buffer *vb)
{
	struct media_session *session = vb2_get_drv_priv(vb->vb2_queue);
	struct media_buffer *buffer = media_buffer(vb);
	unsigned long flags;
	bool active;
	int error;

	/* It may come back before the command's answer does. */
	spin_lock_irqsave(&session->media->event_lock, flags);
	list_add_tail(&buffer->node, &media_queue(vb->vb2_queue)->active);
	spin_unlock_irqrestore(&session->media->event_lock, flags);
	error = media_queue(vb->vb2_queue)->decided ? media_send_buffer(vb) : media_send_first(vb);
	if (!error)
		return;
	/* User space gets it back as an error. */
	spin_lock_irqsave(&session->media->event_lock, flags);
	active = !list_empty(&buffer->node);
	list_del_init(&buffer->node);
	spin_unlock_irqrestore(&session->media->event_lock, flags);
	if (active)
		vb2_buffer_done(vb, VB2_BUF_STATE_ERROR);
}

/* The device is done with a buffer; event_lock is held. */
void media_buffer_came(struct media_session *session, const struct v4l2_buffer *said, const struct v4l2_plane *planes)
{
	struct media_queue *queue = media_queue_of(session, said->type);
	bool planar = V4L2_TYPE_IS_MULTIPLANAR(said->type), failed = said->flags & V4L2_BUF_FLAG_ERROR;
	struct media_buffer *buffer;
	struct vb2_buffer *vb = NULL;
	unsigned int i;

	if (said->type != queue->vb2.type)
		return;
	list_for_each_entry(buffer, &queue->active, node) {
		if (buffer->vb.vb2_buf.index == said->index) {
			vb = &buffer->vb.vb2_buf;
			break;
		}
	}
	if (!vb)
		return;
	list_del_init(&buffer->node);
	buffer->vb.sequence = said->sequence;
	if (!queue->vb2.is_output) {
		buffer->vb.field = said->field;
		buffer->vb.flags = (buffer->vb.flags & ~MEDIA_TOLD) | (said->flags & MEDIA_TOLD);
		buffer->vb.timecode = said->timecode;
		vb->timestamp = v4l2_buffer_get_timestamp(said);
		for (i = 0; i < vb->num_planes; i++) {
			u32 bytes = planar ? planes[i].bytesused : said->bytesused;

			if (bytes > vb2_plane_size(vb, i))
				failed = true;
			vb2_set_plane_payload(vb, i, min_t(unsigned long, bytes, vb2_plane_size(vb, i)));
		}
	}
	vb2_buffer_done(vb, failed ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);
}

/* Gives all buffers back that the device has not. */
static void media_return(struct media_queue *queue, enum vb2_buffer_state state)
{
	struct media_session *session = vb2_get_drv_priv(&queue->vb2);
	struct media_buffer *buffer, *next;
	unsigned long flags;

	spin_lock_irqsave(&session->media->event_lock, flags);
	list_for_each_entry_safe(buffer, next, &queue->active, node) {
		list_del_init(&buffer->node);
		vb2_buffer_done(&buffer->vb.vb2_buf, state);
	}
	spin_unlock_irqrestore(&session->media->event_lock, flags);
}

static int media_stream(struct media_queue *queue, unsigned int cmd)
{
	struct media_session *session = vb2_get_drv_priv(&queue->vb2);
	int type = queue->vb2.type;

	return media_send_ioctl(session->media, session->id, cmd, &type, NULL, 0, NULL, 0);
}

static int media_start_streaming(struct vb2_queue *vb2, unsigned int count)
{
	struct media_queue *queue = media_queue(vb2);
	int error = media_stream(queue, VIDIOC_STREAMON);

	if (error)
		media_return(queue, VB2_BUF_STATE_QUEUED);
	return error;
}

/* The device gives up all memory of the queue before it answers. */
static void media_stop_streaming(struct vb2_queue *vb2)
{
	struct media_queue *queue = media_queue(vb2);
	struct media_session *session = vb2_get_drv_priv(vb2);

	if (!session->freed)
		media_stream(queue, VIDIOC_STREAMOFF);
	media_take_events(session->media);
	media_return(queue, VB2_BUF_STATE_ERROR);
}

static int media_buf_init(struct vb2_buffer *vb)
{
	INIT_LIST_HEAD(&media_buffer(vb)->node);
	return 0;
}

static const struct vb2_ops media_queue_ops = {
	.queue_setup = media_queue_setup,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
#endif
	.buf_init = media_buf_init,
	.buf_out_validate = media_out_validate,
	.buf_prepare = media_buf_prepare,
	.buf_queue = media_buf_queue,
	.start_streaming = media_start_streaming,
	.stop_streaming = media_stop_streaming,
};

static int media_init_queue(struct media_session *session, struct media_queue *queue, u32 type)
{
	struct vb2_queue *vb2 = &queue->vb2;

	INIT_LIST_HEAD(&queue->active);
	queue->memory = V4L2_MEMORY_USERPTR;
	vb2->type = type;
	vb2->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	vb2->drv_priv = session;
	vb2->ops = &media_queue_ops;
	vb2->mem_ops = &vb2_dma_sg_memops;
	vb2->buf_struct_size = sizeof(struct media_buffer);
	vb2->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	vb2->dev = session->media->dma;
	vb2->lock = &session->lock;
	/* Which cache operations videobuf2 leaves out, the device is told with the flags of the buffer. */
	vb2->allow_cache_hints = 1;
	/* A decoder reads the frames that it has written. */
	vb2->bidirectional = !V4L2_TYPE_IS_OUTPUT(type);
	return vb2_queue_init(vb2);
}

int media_init_queues(struct media_session *session)
{
	bool planar = session->media->planar;
	int error = media_init_queue(session, &session->output,
				     planar ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT);

	if (error)
		return error;
	error = media_init_queue(session, &session->capture,
				 planar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE);
	if (error)
		vb2_queue_release(&session->output.vb2);
	return error;
}

/* The device has closed the session, or is not there any more. The session's lock is held. */
void media_free_queues(struct media_session *session)
{
	if (session->freed)
		return;
	session->freed = true;
	vb2_queue_release(&session->capture.vb2);
	vb2_queue_release(&session->output.vb2);
}
