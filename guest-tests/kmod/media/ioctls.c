// SPDX-License-Identifier: GPL-2.0
/* The ioctls: those of buffers are videobuf2's, and the device learns of them; the others are the device's. */
#include <linux/pci.h>
#include <linux/version.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "media.h"

/* Where the buffers of the capture queue begin in the offsets for mmap, which videobuf2 gives each queue from 0. */
#define CAPTURE_OFFSET	(1u << 30)
#define EVENTS_KEPT	16

/* An ioctl that is the device's. */
int media_device_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct media_session *session = media_session_of(file);

	return media_send_ioctl(session->media, session->id, cmd, arg, NULL, 0, NULL, 0);
}

#define DEVICE_IOCTL(name, code, type) \
	static int media_##name(struct file *file, void *priv, type *arg) \
	{ \
		return media_device_ioctl(file, code, arg); \
	}

DEVICE_IOCTL(enum_fmt, VIDIOC_ENUM_FMT, struct v4l2_fmtdesc)
DEVICE_IOCTL(g_fmt, VIDIOC_G_FMT, struct v4l2_format)
DEVICE_IOCTL(try_fmt, VIDIOC_TRY_FMT, struct v4l2_format)
DEVICE_IOCTL(enum_framesizes, VIDIOC_ENUM_FRAMESIZES, struct v4l2_frmsizeenum)
DEVICE_IOCTL(enum_frameintervals, VIDIOC_ENUM_FRAMEINTERVALS, struct v4l2_frmivalenum)
DEVICE_IOCTL(g_parm, VIDIOC_G_PARM, struct v4l2_streamparm)
DEVICE_IOCTL(s_parm, VIDIOC_S_PARM, struct v4l2_streamparm)
DEVICE_IOCTL(query_ext_ctrl, VIDIOC_QUERY_EXT_CTRL, struct v4l2_query_ext_ctrl)
DEVICE_IOCTL(querymenu, VIDIOC_QUERYMENU, struct v4l2_querymenu)
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
DEVICE_IOCTL(queryctrl, VIDIOC_QUERYCTRL, struct v4l2_queryctrl)
#endif
DEVICE_IOCTL(try_decoder_cmd, VIDIOC_TRY_DECODER_CMD, struct v4l2_decoder_cmd)
DEVICE_IOCTL(try_encoder_cmd, VIDIOC_TRY_ENCODER_CMD, struct v4l2_encoder_cmd)

static int media_querycap(struct file *file, void *priv, struct v4l2_capability *capability)
{
	struct media *media = media_session_of(file)->media;
	struct device *parent = media->vdev->dev.parent;

	strscpy(capability->driver, KBUILD_MODNAME, sizeof(capability->driver));
	strscpy(capability->card, media->video.name, sizeof(capability->card));
	snprintf(capability->bus_info, sizeof(capability->bus_info), "%s:%s", dev_is_pci(parent) ? "PCI" : "platform",
		 dev_name(parent));
	return 0;
}

static int media_s_fmt(struct file *file, void *priv, struct v4l2_format *format)
{
	if (vb2_is_busy(&media_queue_of(media_session_of(file), format->type)->vb2))
		return -EBUSY;
	return media_device_ioctl(file, VIDIOC_S_FMT, format);
}

/* The V4L2 core has made the type a single-planar one. */
static int media_selection(struct file *file, unsigned int cmd, struct v4l2_selection *selection)
{
	u32 type = selection->type;
	int error;

	if (type != V4L2_BUF_TYPE_VIDEO_CAPTURE && type != V4L2_BUF_TYPE_VIDEO_OUTPUT)
		return -EINVAL;
	selection->type = media_queue_of(media_session_of(file), type)->vb2.type;
	error = media_device_ioctl(file, cmd, selection);
	selection->type = type;
	return error;
}

static int media_g_selection(struct file *file, void *priv, struct v4l2_selection *selection)
{
	return media_selection(file, VIDIOC_G_SELECTION, selection);
}

static int media_s_selection(struct file *file, void *priv, struct v4l2_selection *selection)
{
	return media_selection(file, VIDIOC_S_SELECTION, selection);
}

/* Controls of 64 bits at most: those with a pointer would need its memory. */
static int media_ext_ctrls(struct file *file, unsigned int cmd, struct v4l2_ext_controls *controls)
{
	struct media_session *session = media_session_of(file);
	struct v4l2_ext_controls said = *controls;
	int error;

	for (u32 i = 0; i < controls->count; i++)
		if (controls->controls[i].size)
			return -EINVAL;
	said.controls = NULL;
	error = media_send_ioctl(session->media, session->id, cmd, &said, controls->controls,
				 controls->count * sizeof(*controls->controls), NULL, 0);
	controls->error_idx = said.error_idx;
	return error;
}

static int media_g_ext_ctrls(struct file *file, void *priv, struct v4l2_ext_controls *controls)
{
	return media_ext_ctrls(file, VIDIOC_G_EXT_CTRLS, controls);
}

static int media_s_ext_ctrls(struct file *file, void *priv, struct v4l2_ext_controls *controls)
{
	return media_ext_ctrls(file, VIDIOC_S_EXT_CTRLS, controls);
}

static int media_try_ext_ctrls(struct file *file, void *priv, struct v4l2_ext_controls *controls)
{
	return media_ext_ctrls(file, VIDIOC_TRY_EXT_CTRLS, controls);
}

/* After a drain, frames come again. */
static void media_go_on(struct file *file, bool started)
{
	if (started)
		vb2_clear_last_buffer_dequeued(&media_session_of(file)->capture.vb2);
}

static int media_decoder_cmd(struct file *file, void *priv, struct v4l2_decoder_cmd *command)
{
	int error = media_device_ioctl(file, VIDIOC_DECODER_CMD, command);

	media_go_on(file, !error && command->cmd == V4L2_DEC_CMD_START);
	return error;
}

static int media_encoder_cmd(struct file *file, void *priv, struct v4l2_encoder_cmd *command)
{
	int error = media_device_ioctl(file, VIDIOC_ENCODER_CMD, command);

	media_go_on(file, !error && command->cmd == V4L2_ENC_CMD_START);
	return error;
}

static int media_subscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *subscription)
{
	struct media_session *session = container_of(fh, struct media_session, fh);
	struct v4l2_event_subscription said = *subscription;
	int error = subscription->type == V4L2_EVENT_SOURCE_CHANGE ?
		v4l2_src_change_event_subscribe(fh, subscription) :
		v4l2_event_subscribe(fh, subscription, EVENTS_KEPT, NULL);

	if (error)
		return error;
	/* An initial event may come before the answer. */
	error = media_send_ioctl(session->media, session->id, VIDIOC_SUBSCRIBE_EVENT, &said, NULL, 0, NULL, 0);
	if (error)
		v4l2_event_unsubscribe(fh, subscription);
	return error;
}

static int media_unsubscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *subscription)
{
	struct media_session *session = container_of(fh, struct media_session, fh);
	struct v4l2_event_subscription said = *subscription;
	int error = media_send_ioctl(session->media, session->id, VIDIOC_UNSUBSCRIBE_EVENT, &said, NULL, 0, NULL, 0);

	return error ? error : v4l2_event_unsubscribe(fh, subscription);
}

/* Tells the queues apart in mmap. */
static void media_move(struct v4l2_buffer *buffer)
{
	if (V4L2_TYPE_IS_OUTPUT(buffer->type) || buffer->memory != V4L2_MEMORY_MMAP)
		return;
	if (V4L2_TYPE_IS_MULTIPLANAR(buffer->type))
		for (u32 i = 0; i < buffer->length; i++)
			buffer->m.planes[i].m.mem_offset += CAPTURE_OFFSET;
	else
		buffer->m.offset += CAPTURE_OFFSET;
}

static int media_moved(int error, struct v4l2_buffer *buffer)
{
	if (!error)
		media_move(buffer);
	return error;
}

static int media_querybuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	return media_moved(vb2_querybuf(media_vb2(file, buffer->type), buffer), buffer);
}

static int media_qbuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	return media_moved(vb2_qbuf(media_vb2(file, buffer->type), NULL, buffer), buffer);
}

static int media_prepare_buf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	return media_moved(vb2_prepare_buf(media_vb2(file, buffer->type), NULL, buffer), buffer);
}

static int media_dqbuf(struct file *file, void *priv, struct v4l2_buffer *buffer)
{
	return media_moved(vb2_dqbuf(media_vb2(file, buffer->type), buffer, file->f_flags & O_NONBLOCK), buffer);
}

static int media_expbuf(struct file *file, void *priv, struct v4l2_exportbuffer *export)
{
	return vb2_expbuf(media_vb2(file, export->type), export);
}

static int media_streamon(struct file *file, void *priv, enum v4l2_buf_type type)
{
	return vb2_streamon(media_vb2(file, type), type);
}

static int media_streamoff(struct file *file, void *priv, enum v4l2_buf_type type)
{
	return vb2_streamoff(media_vb2(file, type), type);
}

int media_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct media_session *session = media_session_of(file);
	unsigned long capture = CAPTURE_OFFSET >> PAGE_SHIFT;

	if (vma->vm_pgoff < capture)
		return vb2_mmap(&session->output.vb2, vma);
	vma->vm_pgoff -= capture;
	return vb2_mmap(&session->capture.vb2, vma);
}

/*
 * What a session waits for, of both queues. That one does not stream is no error while the other does: a decoder gets its first units
 * before anyone knows what its frames are like.
 */
__poll_t media_poll(struct file *file, poll_table *wait)
{
	struct media_session *session = media_session_of(file);
	__poll_t output, capture;

	mutex_lock(&session->lock);
	output = vb2_poll(&session->output.vb2, file, wait);
	capture = vb2_poll(&session->capture.vb2, file, wait);
	if (vb2_is_streaming(&session->capture.vb2) && !vb2_is_streaming(&session->output.vb2))
		output &= ~EPOLLERR;
	if (vb2_is_streaming(&session->output.vb2) && !vb2_is_streaming(&session->capture.vb2))
		capture &= ~EPOLLERR;
	mutex_unlock(&session->lock);
	return output | capture;
}

/* One ioctl of a session at a time; videobuf2 lets go of the lock while it waits for a buffer, and events need none. */
long media_unlocked_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct media_session *session = media_session_of(file);
	long result;

	if (_IOC_TYPE(cmd) == 'V' && _IOC_NR(cmd) == _IOC_NR(VIDIOC_DQEVENT))
		return video_ioctl2(file, cmd, arg);
	if (mutex_lock_interruptible(&session->lock))
		return -ERESTARTSYS;
	result = video_ioctl2(file, cmd, arg);
	mutex_unlock(&session->lock);
	return result;
}

const struct v4l2_ioctl_ops media_ioctl_ops = {
	.vidioc_querycap = media_querycap,
	.vidioc_enum_fmt_vid_cap = media_enum_fmt,
	.vidioc_enum_fmt_vid_out = media_enum_fmt,
	.vidioc_g_fmt_vid_cap = media_g_fmt,
	.vidioc_g_fmt_vid_out = media_g_fmt,
	.vidioc_g_fmt_vid_cap_mplane = media_g_fmt,
	.vidioc_g_fmt_vid_out_mplane = media_g_fmt,
	.vidioc_s_fmt_vid_cap = media_s_fmt,
	.vidioc_s_fmt_vid_out = media_s_fmt,
	.vidioc_s_fmt_vid_cap_mplane = media_s_fmt,
	.vidioc_s_fmt_vid_out_mplane = media_s_fmt,
	.vidioc_try_fmt_vid_cap = media_try_fmt,
	.vidioc_try_fmt_vid_out = media_try_fmt,
	.vidioc_try_fmt_vid_cap_mplane = media_try_fmt,
	.vidioc_try_fmt_vid_out_mplane = media_try_fmt,
	.vidioc_enum_framesizes = media_enum_framesizes,
	.vidioc_enum_frameintervals = media_enum_frameintervals,
	.vidioc_g_selection = media_g_selection,
	.vidioc_s_selection = media_s_selection,
	.vidioc_g_parm = media_g_parm,
	.vidioc_s_parm = media_s_parm,
	.vidioc_query_ext_ctrl = media_query_ext_ctrl,
	.vidioc_querymenu = media_querymenu,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	.vidioc_queryctrl = media_queryctrl,
#endif
	.vidioc_g_ext_ctrls = media_g_ext_ctrls,
	.vidioc_s_ext_ctrls = media_s_ext_ctrls,
	.vidioc_try_ext_ctrls = media_try_ext_ctrls,
	.vidioc_decoder_cmd = media_decoder_cmd,
	.vidioc_try_decoder_cmd = media_try_decoder_cmd,
	.vidioc_encoder_cmd = media_encoder_cmd,
	.vidioc_try_encoder_cmd = media_try_encoder_cmd,
	.vidioc_subscribe_event = media_subscribe,
	.vidioc_unsubscribe_event = media_unsubscribe,
	.vidioc_reqbufs = media_reqbufs,
	.vidioc_create_bufs = media_create_bufs,
	.vidioc_prepare_buf = media_prepare_buf,
	.vidioc_querybuf = media_querybuf,
	.vidioc_qbuf = media_qbuf,
	.vidioc_dqbuf = media_dqbuf,
	.vidioc_expbuf = media_expbuf,
	.vidioc_streamon = media_streamon,
	.vidioc_streamoff = media_streamoff,
};
