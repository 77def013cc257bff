// SPDX-License-Identifier: GPL-2.0
/* The driver: a device's video node, and its sessions, one for each open file. */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/virtio_config.h>
#include <media/v4l2-ioctl.h>

#include "media.h"

static void media_add_file(struct media_session *session, struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	file->private_data = &session->fh;
	v4l2_fh_add(&session->fh);
#else
	v4l2_fh_add(&session->fh, file);
#endif
}

static void media_del_file(struct media_session *session, struct file *file)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	v4l2_fh_del(&session->fh);
#else
	v4l2_fh_del(&session->fh, file);
#endif
	v4l2_fh_exit(&session->fh);
}

static void media_list_session(struct media_session *session, struct list_head *sessions)
{
	unsigned long flags;

	mutex_lock(&session->media->open_lock);
	spin_lock_irqsave(&session->media->event_lock, flags);
	if (sessions)
		list_add_tail(&session->node, sessions);
	else
		list_del(&session->node);
	spin_unlock_irqrestore(&session->media->event_lock, flags);
	mutex_unlock(&session->media->open_lock);
}

static int media_open(struct file *file)
{
	struct media *media = video_drvdata(file);
	struct media_session *session = kzalloc(sizeof(*session), GFP_KERNEL);
	int error;

	if (!session)
		return -ENOMEM;
	session->media = media;
	mutex_init(&session->lock);
	error = media_init_queues(session);
	if (error)
		goto free;
	error = media_open_session(media, &session->id);
	if (error) {
		media_free_queues(session);
		goto free;
	}
	v4l2_fh_init(&session->fh, &media->video);
	media_add_file(session, file);
	media_list_session(session, &media->sessions);
	return 0;
free:
	kfree(session);
	return error;
}

/* The device gives up the session's memory before it is freed. */
static int media_release(struct file *file)
{
	struct media_session *session = media_session_of(file);

	media_list_session(session, NULL);
	mutex_lock(&session->lock);
	media_close_session(session->media, session->id);
	media_free_queues(session);
	mutex_unlock(&session->lock);
	media_del_file(session, file);
	kfree(session);
	return 0;
}

static const struct v4l2_file_operations media_file_ops = {
	.owner = THIS_MODULE,
	.open = media_open,
	.release = media_release,
	.poll = media_poll,
	.unlocked_ioctl = media_unlocked_ioctl,
	.mmap = media_mmap,
};

/* What the device is, of what this driver knows. */
static int media_read_config(struct media *media)
{
	u32 caps, type;

	virtio_cread_le(media->vdev, struct media_config, device_caps, &caps);
	virtio_cread_le(media->vdev, struct media_config, device_type, &type);
	virtio_cread_bytes(media->vdev, offsetof(struct media_config, card), media->video.name,
			   min(sizeof(media->video.name) - 1, sizeof_field(struct media_config, card)));
	if (type != VFL_TYPE_VIDEO || !(caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE))) {
		dev_err(&media->vdev->dev, "device of type %u with capabilities %#x is no codec\n", type, caps);
		return -ENODEV;
	}
	media->planar = caps & V4L2_CAP_VIDEO_M2M_MPLANE;
	media->video.device_caps = V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT |
		(media->planar ? V4L2_CAP_VIDEO_M2M_MPLANE : V4L2_CAP_VIDEO_M2M);
	return 0;
}

/* A decoder takes coded pictures, and has no ioctls of an encoder. */
static int media_learn_direction(struct media *media)
{
	struct v4l2_fmtdesc format = {
		.type = media->planar ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE : V4L2_BUF_TYPE_VIDEO_OUTPUT,
	};
	u32 id;
	int error = media_open_session(media, &id);

	if (error)
		return error;
	error = media_send_ioctl(media, id, VIDIOC_ENUM_FMT, &format, NULL, 0, NULL, 0);
	media_close_session(media, id);
	if (error)
		return error;
	if (format.flags & V4L2_FMT_FLAG_COMPRESSED) {
		v4l2_disable_ioctl(&media->video, VIDIOC_ENCODER_CMD);
		v4l2_disable_ioctl(&media->video, VIDIOC_TRY_ENCODER_CMD);
		v4l2_disable_ioctl(&media->video, VIDIOC_G_PARM);
		v4l2_disable_ioctl(&media->video, VIDIOC_S_PARM);
	} else {
		v4l2_disable_ioctl(&media->video, VIDIOC_DECODER_CMD);
		v4l2_disable_ioctl(&media->video, VIDIOC_TRY_DECODER_CMD);
	}
	return 0;
}

/* The device that the addresses of buffers are for. */
static int media_choose_dma(struct media *media)
{
	media->dma = virtqueue_dma_dev(media->commands);
	if (media->dma)
		goto found;
	media->dma = media->vdev->dev.parent;
	if (device_iommu_mapped(media->dma)) {
		dev_err(&media->vdev->dev, "the device is behind an IOMMU and does not use it: no VIRTIO_F_ACCESS_PLATFORM\n");
		return -ENODEV;
	}
found:
	dma_set_max_seg_size(media->dma, UINT_MAX);
	return 0;
}

static void media_free(struct v4l2_device *v4l2)
{
	struct media *media = container_of(v4l2, struct media, v4l2);

	kfree(media->buffers);
	kfree(media);
}

static int media_probe(struct virtio_device *vdev)
{
	struct media *media = kzalloc(sizeof(*media), GFP_KERNEL);
	int error;

	if (!media)
		return -ENOMEM;
	media->vdev = vdev;
	vdev->priv = media;
	spin_lock_init(&media->command_lock);
	spin_lock_init(&media->event_lock);
	init_waitqueue_head(&media->answered);
	mutex_init(&media->open_lock);
	INIT_LIST_HEAD(&media->sessions);
	error = v4l2_device_register(&vdev->dev, &media->v4l2);
	if (error) {
		kfree(media);
		return error;
	}
	media->v4l2.release = media_free;
	error = -ENOMEM;
	media->buffers = kcalloc(MEDIA_EVENTS, sizeof(*media->buffers), GFP_KERNEL);
	if (!media->buffers)
		goto put;
	error = media_read_config(media);
	if (error)
		goto put;
	error = media_start(media);
	if (error)
		goto put;
	media->video.v4l2_dev = &media->v4l2;
	media->video.fops = &media_file_ops;
	media->video.ioctl_ops = &media_ioctl_ops;
	media->video.vfl_dir = VFL_DIR_M2M;
	media->video.release = video_device_release_empty;
	video_set_drvdata(&media->video, media);
	media_find_region(media);
	error = media_choose_dma(media);
	if (!error)
		error = media_learn_direction(media);
	if (!error)
		error = video_register_device(&media->video, VFL_TYPE_VIDEO, -1);
	if (!error)
		return 0;
	media_end(media);
	vdev->config->del_vqs(vdev);
put:
	v4l2_device_unregister(&media->v4l2);
	v4l2_device_put(&media->v4l2);
	return error;
}

/* Files may be open: their sessions lose their memory, and the rest when they are closed. */
static void media_remove(struct virtio_device *vdev)
{
	struct media *media = vdev->priv;
	struct media_session *session;

	video_unregister_device(&media->video);
	media_end(media);
	mutex_lock(&media->open_lock);
	list_for_each_entry(session, &media->sessions, node) {
		mutex_lock(&session->lock);
		media_free_queues(session);
		mutex_unlock(&session->lock);
	}
	mutex_unlock(&media->open_lock);
	vdev->config->del_vqs(vdev);
	v4l2_device_unregister(&media->v4l2);
	v4l2_device_put(&media->v4l2);
}

static const struct virtio_device_id media_ids[] = {
	{ MEDIA_ID, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, media_ids);

static struct virtio_driver media_driver = {
	.driver.name = KBUILD_MODNAME,
	.id_table = media_ids,
	.probe = media_probe,
	.remove = media_remove,
};
module_virtio_driver(media_driver);

MODULE_DESCRIPTION("Driver of virtio-media codecs, whose buffers are the guest's");
MODULE_LICENSE("GPL");
