// SPDX-License-Identifier: GPL-2.0
/* The two virtqueues. A device that does not answer in time is reset, so that it cannot write to what it has been given. */
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <media/v4l2-event.h>

#include "media.h"

struct media_header {
	__le32 value;		/* of a command, which; of an answer, 0 or an error number */
	__le32 reserved;
};

struct media_opened {
	struct media_header header;
	__le32 session_id;
	__le32 reserved;
};

struct media_close {
	struct media_header header;
	__le32 session_id;
	__le32 reserved;
};

struct media_map {
	struct media_header header;
	__le32 session_id;
	__le32 flags;
	__le32 offset;
} __packed;

struct media_mapped {
	struct media_header header;
	__le64 start;
	__le64 bytes;
};

struct media_unmap {
	struct media_header header;
	__le64 start;
};

struct media_ioctl {
	struct media_header header;
	__le32 session_id;
	__le32 code;
};

struct media_command {
	struct scatterlist out, in;
	unsigned int used;
	bool done;
};

static int media_add(struct media *media, struct media_command *command)
{
	struct scatterlist *sgs[] = { &command->out, &command->in };
	unsigned long flags;
	int error;

	spin_lock_irqsave(&media->command_lock, flags);
	error = media->ending ? -EIO : virtqueue_add_sgs(media->commands, sgs, 1, command->in.length ? 1 : 0, command, GFP_ATOMIC);
	if (!error)
		virtqueue_kick(media->commands);
	spin_unlock_irqrestore(&media->command_lock, flags);
	return error;
}

static bool media_is_over(struct media *media, struct media_command *command)
{
	return smp_load_acquire(&command->done) || smp_load_acquire(&media->ended);
}

/* Sends a command and waits for its end. Returns the number of bytes of the answer, or a negative error. */
static int media_send(struct media *media, void *out, size_t out_bytes, void *in, size_t in_bytes)
{
	struct media_command *command = kzalloc(sizeof(*command), GFP_KERNEL);
	int error = -ENOSPC;

	if (!command)
		return -ENOMEM;
	sg_init_one(&command->out, out, out_bytes);
	if (in_bytes)
		sg_init_one(&command->in, in, in_bytes);
	/* The queue may be full of the commands of other sessions. */
	if (wait_event_timeout(media->answered, (error = media_add(media, command)) != -ENOSPC, MEDIA_LIMIT)) {
		if (error)
			goto free;
		wait_event_timeout(media->answered, media_is_over(media, command), MEDIA_LIMIT);
	}
	if (!media_is_over(media, command)) {
		v4l2_err(&media->v4l2, "command %u was not answered in %u s: the device is reset\n",
			 le32_to_cpu(*(__le32 *)out), MEDIA_LIMIT / HZ);
		media_end(media);
	}
	error = command->done ? command->used : -EIO;
free:
	kfree(command);
	return error;
}

static void media_answered(struct virtqueue *vq)
{
	struct media *media = vq->vdev->priv;
	struct media_command *command;
	unsigned long flags;
	unsigned int used;

	spin_lock_irqsave(&media->command_lock, flags);
	while ((command = virtqueue_get_buf(vq, &used))) {
		command->used = used;
		smp_store_release(&command->done, true);
	}
	spin_unlock_irqrestore(&media->command_lock, flags);
	wake_up_all(&media->answered);
}

/* The status of an answer of so many bytes. */
static int media_status(const struct media_header *answer, int used)
{
	u32 status;

	if (used < 0)
		return used;
	if (used < sizeof(*answer))
		return -EIO;
	status = le32_to_cpu(answer->value);
	return status <= MAX_ERRNO ? -(int)status : -EIO;
}

/* Sends a command that has an answer of this size. */
static int media_ask(struct media *media, void *out, size_t out_bytes, void *in, size_t in_bytes)
{
	int used = media_send(media, out, out_bytes, in, in_bytes);
	int error = media_status(in, used);

	return !error && used < in_bytes ? -EIO : error;
}

int media_open_session(struct media *media, u32 *id)
{
	struct media_header *out = kzalloc(sizeof(*out), GFP_KERNEL);
	struct media_opened *in = kzalloc(sizeof(*in), GFP_KERNEL);
	int error = -ENOMEM;

	if (out && in) {
		out->value = cpu_to_le32(MEDIA_OPEN);
		error = media_ask(media, out, sizeof(*out), in, sizeof(*in));
		*id = le32_to_cpu(in->session_id);
	}
	kfree(in);
	kfree(out);
	return error;
}

/* It has no answer, but the device has given everything up when it has taken the command. */
void media_close_session(struct media *media, u32 id)
{
	struct media_close *out = kzalloc(sizeof(*out), GFP_KERNEL | __GFP_NOFAIL);

	out->header.value = cpu_to_le32(MEDIA_CLOSE);
	out->session_id = cpu_to_le32(id);
	media_send(media, out, sizeof(*out), NULL, 0);
	kfree(out);
}

/* Maps a plane of an MMAP buffer: where it is in the region. */
int media_map(struct media *media, u32 id, u32 offset, u64 *start, u64 *bytes)
{
	struct media_map *out = kzalloc(sizeof(*out), GFP_KERNEL);
	struct media_mapped *in = kzalloc(sizeof(*in), GFP_KERNEL);
	int error = -ENOMEM;

	if (out && in) {
		out->header.value = cpu_to_le32(MEDIA_MMAP);
		out->session_id = cpu_to_le32(id);
		out->flags = cpu_to_le32(MEDIA_MMAP_RW);
		out->offset = cpu_to_le32(offset);
		error = media_ask(media, out, sizeof(*out), in, sizeof(*in));
		*start = le64_to_cpu(in->start);
		*bytes = le64_to_cpu(in->bytes);
	}
	kfree(in);
	kfree(out);
	return error;
}

void media_unmap(struct media *media, u64 start)
{
	struct media_unmap *out = kzalloc(sizeof(*out), GFP_KERNEL | __GFP_NOFAIL);
	struct media_header *in = kzalloc(sizeof(*in), GFP_KERNEL | __GFP_NOFAIL);

	out->header.value = cpu_to_le32(MEDIA_MUNMAP);
	out->start = cpu_to_le64(start);
	media_send(media, out, sizeof(*out), in, sizeof(*in));
	kfree(in);
	kfree(out);
}

/*
 * Has the device execute an ioctl: with its structure, what that points to, and for buffers a list of their memory. The structure's
 * pointers are the caller's business.
 */
int media_send_ioctl(struct media *media, u32 id, unsigned int cmd, void *arg, void *more, size_t more_bytes,
		     const struct media_entry *list, size_t entries)
{
	size_t bytes = _IOC_SIZE(cmd), payload = bytes + more_bytes;
	size_t out_bytes = sizeof(struct media_ioctl) + (_IOC_DIR(cmd) & _IOC_WRITE ? payload : 0) + entries * sizeof(*list);
	size_t in_bytes = sizeof(struct media_header) + (_IOC_DIR(cmd) & _IOC_READ ? payload : 0);
	struct media_ioctl *out = kzalloc(out_bytes, GFP_KERNEL);
	struct media_header *in = kzalloc(in_bytes, GFP_KERNEL);
	int used, error = -ENOMEM;
	u8 *at;

	if (!out || !in)
		goto free;
	out->header.value = cpu_to_le32(MEDIA_IOCTL);
	out->session_id = cpu_to_le32(id);
	out->code = cpu_to_le32(_IOC_NR(cmd));
	at = (u8 *)(out + 1);
	if (_IOC_DIR(cmd) & _IOC_WRITE) {
		at = memcpy(at, arg, bytes) + bytes;
		at = memcpy(at, more, more_bytes) + more_bytes;
	}
	memcpy(at, list, entries * sizeof(*list));
	used = media_send(media, out, out_bytes, in, in_bytes);
	error = media_status(in, used);
	if (used == in_bytes && _IOC_DIR(cmd) & _IOC_READ) {
		memcpy(arg, in + 1, bytes);
		memcpy(more, (u8 *)(in + 1) + bytes, more_bytes);
	} else if (!error && used != in_bytes) {
		error = -EIO;
	}
free:
	kfree(in);
	kfree(out);
	return error;
}

static void media_lend(struct media *media, struct media_event *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, sizeof(*buffer));
	virtqueue_add_inbuf(media->events, &sg, 1, buffer, GFP_ATOMIC);
}

static void media_deliver(struct media *media, const struct media_event *event, unsigned int bytes)
{
	size_t head = offsetof(struct media_event, error);
	struct media_session *session;

	list_for_each_entry(session, &media->sessions, node) {
		if (bytes < head || session->id != le32_to_cpu(event->session_id))
			continue;
		switch (le32_to_cpu(event->kind)) {
		case MEDIA_EVENT_ERROR:
			v4l2_err(&media->v4l2, "session %u failed: error %u\n", session->id, le32_to_cpu(event->error));
			vb2_queue_error(&session->output.vb2);
			vb2_queue_error(&session->capture.vb2);
			break;
		case MEDIA_EVENT_DQBUF:
			if (bytes >= head + sizeof(event->dqbuf.buffer))
				media_buffer_came(session, &event->dqbuf.buffer, event->dqbuf.planes);
			break;
		case MEDIA_EVENT_EVENT:
			if (bytes >= head + sizeof(event->v4l2))
				v4l2_event_queue_fh(&session->fh, &event->v4l2);
			break;
		}
	}
}

/* All events that are there. What a device did before it answered a command has come when this returns after the answer. */
void media_take_events(struct media *media)
{
	struct media_event *event;
	unsigned long flags;
	unsigned int bytes;

	spin_lock_irqsave(&media->event_lock, flags);
	if (!media->ended) {
		while ((event = virtqueue_get_buf(media->events, &bytes))) {
			media_deliver(media, event, bytes);
			memset(event, 0, sizeof(*event));
			media_lend(media, event);
		}
		virtqueue_kick(media->events);
	}
	spin_unlock_irqrestore(&media->event_lock, flags);
}

static void media_event_came(struct virtqueue *vq)
{
	media_take_events(vq->vdev->priv);
}

int media_start(struct media *media)
{
	struct virtqueue *vqs[2];
	struct virtqueue_info infos[] = {
		{ "commands", media_answered },
		{ "events", media_event_came },
	};
	int error, i;

	error = virtio_find_vqs(media->vdev, ARRAY_SIZE(vqs), vqs, infos, NULL);
	if (error)
		return error;
	media->commands = vqs[0];
	media->events = vqs[1];
	for (i = 0; i < min_t(int, MEDIA_EVENTS, media->events->num_free); i++)
		media_lend(media, &media->buffers[i]);
	virtio_device_ready(media->vdev);
	virtqueue_kick(media->events);
	return 0;
}

/* The device reaches no memory any more; whoever waits for it stops waiting, and whoever uses it later gets EIO. */
void media_end(struct media *media)
{
	struct media_session *session;
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&media->command_lock, flags);
	first = !media->ending;
	media->ending = true;
	spin_unlock_irqrestore(&media->command_lock, flags);
	if (!first) {
		wait_event(media->answered, smp_load_acquire(&media->ended));
		return;
	}
	virtio_reset_device(media->vdev);
	spin_lock_irqsave(&media->event_lock, flags);
	spin_lock(&media->command_lock);
	while (virtqueue_detach_unused_buf(media->commands))
		;
	while (virtqueue_detach_unused_buf(media->events))
		;
	smp_store_release(&media->ended, true);
	spin_unlock(&media->command_lock);
	list_for_each_entry(session, &media->sessions, node) {
		vb2_queue_error(&session->output.vb2);
		vb2_queue_error(&session->capture.vb2);
	}
	spin_unlock_irqrestore(&media->event_lock, flags);
	wake_up_all(&media->answered);
}
