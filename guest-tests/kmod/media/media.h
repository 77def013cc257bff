/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver for codecs of virtio-media (virtio 1.4, 5.22): stateful decoders and encoders of V4L2 with two queues.
 *
 * All memory is the guest's, unless it is told otherwise (region.c). Whatever user space asks for (MMAP, USERPTR, DMABUF, EXPBUF) is a buffer of videobuf2, mapped for
 * the device by the DMA API, and SHARED_PAGES for the device: a list of DMA addresses. So the device reaches what the IOMMU's
 * table maps for it, and caches are maintained by videobuf2. Only buffers of other virtio devices may be OBJECT for it (objects.c).
 */
#ifndef MEDIA_H
#define MEDIA_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/videodev2.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/wait.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/videobuf2-v4l2.h>

#if !defined(CONFIG_64BIT) || defined(__BIG_ENDIAN)
#error "structures are sent as they are, which is right for 64-bit little-endian processors"
#endif

#define MEDIA_ID		48
#define MEDIA_EVENTS		64	/* event buffers */
#define MEDIA_LIMIT		(10 * HZ)	/* for an answer; the device is given up then */

/* virtio 1.4, 5.22.6 */
enum { MEDIA_OPEN = 1, MEDIA_CLOSE, MEDIA_IOCTL, MEDIA_MMAP, MEDIA_MUNMAP };
#define MEDIA_MMAP_RW	1
enum { MEDIA_EVENT_ERROR, MEDIA_EVENT_DQBUF, MEDIA_EVENT_EVENT };

struct media_config {
	__le32 device_caps;
	__le32 device_type;
	u8 card[32];
};

struct media_entry {
	__le64 start;
	__le32 len;
	__le32 reserved;
};

struct media_event {
	__le32 kind;
	__le32 session_id;
	union {
		__le32 error;
		struct v4l2_event v4l2;
		struct {
			struct v4l2_buffer buffer;
			struct v4l2_plane planes[VIDEO_MAX_PLANES];
		} dqbuf;
	};
};

struct media {
	struct virtio_device *vdev;
	struct device *dma;		/* that which the addresses are for */
	struct virtqueue *commands;
	struct virtqueue *events;
	spinlock_t command_lock;	/* the command queue */
	spinlock_t event_lock;		/* the event queue, sessions for its handler, and their active buffers */
	wait_queue_head_t answered;
	struct mutex open_lock;		/* sessions, for those who may sleep; and the end of the device */
	struct list_head sessions;
	bool ending;			/* under command_lock: no more commands */
	bool ended;			/* it has been reset: nothing reaches memory any more */
	struct media_event *buffers;
	struct v4l2_device v4l2;
	struct video_device video;
	bool planar;			/* the multi-planar API */
	struct virtio_shm_region region;	/* the device's memory for buffers; of no bytes if it is not used */
};

struct media_queue {
	struct vb2_queue vb2;
	struct list_head active;	/* buffers that the device has */
	unsigned int planes;
	unsigned int sizes[VIDEO_MAX_PLANES];	/* what a buffer must have at least */
	u32 memory;			/* what the device takes them for: V4L2_MEMORY_USERPTR, V4L2_MEMORY_DMABUF for objects, or its own: V4L2_MEMORY_MMAP */
	bool decided;			/* a buffer has been queued: the kind of memory stays */
};

struct media_session {
	struct v4l2_fh fh;
	struct media *media;
	struct list_head node;
	u32 id;
	bool freed;			/* queues are released */
	struct mutex lock;		/* ioctls; that of the queues */
	struct media_queue output, capture;
};

struct media_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head node;
};

static inline struct media_session *media_session_of(struct file *file)
{
	return container_of(file->private_data, struct media_session, fh);
}

static inline struct media_queue *media_queue_of(struct media_session *session, u32 type)
{
	return V4L2_TYPE_IS_OUTPUT(type) ? &session->output : &session->capture;
}

static inline struct vb2_queue *media_vb2(struct file *file, u32 type)
{
	return &media_queue_of(media_session_of(file), type)->vb2;
}

/* wire.c */
int media_start(struct media *media);
void media_end(struct media *media);
int media_open_session(struct media *media, u32 *id);
void media_close_session(struct media *media, u32 id);
int media_send_ioctl(struct media *media, u32 id, unsigned int cmd, void *arg, void *more, size_t more_bytes,
		     const struct media_entry *list, size_t entries);
int media_map(struct media *media, u32 id, u32 offset, u64 *start, u64 *bytes);
void media_unmap(struct media *media, u64 start);
void media_take_events(struct media *media);

/* buffers.c */
int media_init_queues(struct media_session *session);
void media_free_queues(struct media_session *session);
void media_buffer_came(struct media_session *session, const struct v4l2_buffer *said, const struct v4l2_plane *planes);

int media_send_buffer(struct vb2_buffer *vb);

/* objects.c */
int media_object_names(struct vb2_buffer *vb, uuid_t *names);
int media_send_first(struct vb2_buffer *vb);

/* region.c */
void media_find_region(struct media *media);
bool media_is_device_memory(struct media_queue *queue, u32 memory);
void media_choose_memory(struct media_queue *queue, u32 memory);

/* allocation.c */
int media_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *request);
int media_create_bufs(struct file *file, void *priv, struct v4l2_create_buffers *create);

/* ioctls.c */
int media_device_ioctl(struct file *file, unsigned int cmd, void *arg);
extern const struct v4l2_ioctl_ops media_ioctl_ops;
int media_mmap(struct file *file, struct vm_area_struct *vma);
__poll_t media_poll(struct file *file, poll_table *wait);
long media_unlocked_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
