// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of Sluice's test device (SeamDevice in vdev's fixtures), which has features that the stock drivers of
 * other tests do not use: a shared memory region, event buffers, and configuration changes.
 *
 * Reading /sys/bus/virtio/drivers/seam/virtioN/check runs all checks and returns one line per result.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/wait.h>

#define SEAM_ID		37
#define SEAM_REGION	1
#define EVENT_BUFFERS	4
#define BURST		20
#define FILLED_PAGE	3
#define SUMMED_PAGE	5
#define PATTERN		0x5a
#define LIMIT		(20 * HZ)

enum { SEAM_FILL = 1, SEAM_SUM, SEAM_EVENTS };
enum { SEAM_DONE, SEAM_NOT_SHOWN };

struct seam_command {
	u8 op;
	u8 page;
	u8 value;
	u8 zero;
	__le32 count;
};

struct seam_event {
	__le32 number;
	__le32 op;
	__le32 page;
	__le32 value;
};

struct seam_config {
	__le32 jobs;
	__le32 events;
};

struct seam {
	struct virtio_device *vdev;
	struct virtqueue *commands;
	struct virtqueue *events;
	struct mutex lock;		/* one check at a time */
	spinlock_t event_lock;		/* the event queue, and what came by it */
	wait_queue_head_t came;
	struct completion answered;
	struct seam_command *command;
	__le32 *answer;
	struct seam_event *buffers;
	struct seam_event last;		/* the last event outside of a burst */
	u32 next;			/* the number of the next event */
	u32 taken;
	u32 out_of_order;
	atomic_t changes;
	struct virtio_shm_region region;
	void __iomem *window;
};

static void seam_lend(struct seam *seam, struct seam_event *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, sizeof(*buffer));
	virtqueue_add_inbuf(seam->events, &sg, 1, buffer, GFP_ATOMIC);
}

static void seam_command_done(struct virtqueue *vq)
{
	struct seam *seam = vq->vdev->priv;
	unsigned int len;

	if (virtqueue_get_buf(vq, &len))
		complete(&seam->answered);
}

static void seam_event_came(struct virtqueue *vq)
{
	struct seam *seam = vq->vdev->priv;
	struct seam_event *event;
	unsigned long flags;
	unsigned int len;

	spin_lock_irqsave(&seam->event_lock, flags);
	while ((event = virtqueue_get_buf(vq, &len))) {
		if (len != sizeof(*event) || (seam->taken && le32_to_cpu(event->number) != seam->next))
			seam->out_of_order++;
		seam->next = le32_to_cpu(event->number) + 1;
		seam->taken++;
		seam->last = *event;
		seam_lend(seam, event);
	}
	virtqueue_kick(vq);
	spin_unlock_irqrestore(&seam->event_lock, flags);
	wake_up(&seam->came);
}

static void seam_config_changed(struct virtio_device *vdev)
{
	struct seam *seam = vdev->priv;

	atomic_inc(&seam->changes);
	wake_up(&seam->came);
}

/* Sends a command and waits for the answer; returns a negative error or the device's status. */
static int seam_send(struct seam *seam, u8 op, u8 page, u8 value, u32 count)
{
	struct scatterlist out, in, *sgs[] = { &out, &in };
	int error;

	*seam->command = (struct seam_command){ .op = op, .page = page, .value = value, .count = cpu_to_le32(count) };
	*seam->answer = cpu_to_le32(~0);
	sg_init_one(&out, seam->command, sizeof(*seam->command));
	sg_init_one(&in, seam->answer, sizeof(*seam->answer));
	reinit_completion(&seam->answered);
	error = virtqueue_add_sgs(seam->commands, sgs, 1, 1, seam, GFP_KERNEL);
	if (error)
		return error;
	virtqueue_kick(seam->commands);
	if (!wait_for_completion_timeout(&seam->answered, LIMIT))
		return -ETIMEDOUT;
	return le32_to_cpu(*seam->answer) == ~0U ? -EIO : le32_to_cpu(*seam->answer);
}

static u32 seam_taken(struct seam *seam)
{
	return READ_ONCE(seam->taken);
}

/* The job's effect in the window: the whole page, and nothing of its neighbours. */
static bool seam_filled(struct seam *seam)
{
	long i;

	for (i = -1; i <= (long)PAGE_SIZE; i++) {
		u8 expected = i < 0 || i == PAGE_SIZE ? 0 : PATTERN;

		if (readb(seam->window + FILLED_PAGE * PAGE_SIZE + i) != expected)
			return false;
	}
	return true;
}

static int seam_check_window(struct seam *seam, char *buf, int at)
{
	u32 sum = 0, before = seam_taken(seam);
	int status, i;

	if (!seam->window)
		return at + sysfs_emit_at(buf, at, "SLUICE window none\n");
	for (i = 0; i < PAGE_SIZE; i++) {
		writeb(i * 7, seam->window + SUMMED_PAGE * PAGE_SIZE + i);
		sum += (u8)(i * 7);
	}
	status = seam_send(seam, SEAM_SUM, SUMMED_PAGE, 0, 0);
	wait_event_timeout(seam->came, seam_taken(seam) != before, LIMIT);
	at += sysfs_emit_at(buf, at, "SLUICE window filled %s\n", seam_filled(seam) ? "right" : "wrong");
	at += sysfs_emit_at(buf, at, "SLUICE window summed %s status %d\n",
			    le32_to_cpu(seam->last.value) == sum ? "right" : "wrong", status);
	return at;
}

static ssize_t check_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct seam *seam = dev_to_virtio(dev)->priv;
	u32 jobs_before, jobs_after, before;
	int at = 0, status, changes;

	mutex_lock(&seam->lock);
	virtio_cread_le(seam->vdev, struct seam_config, jobs, &jobs_before);
	changes = atomic_read(&seam->changes);
	before = seam_taken(seam);
	if (seam->window)
		at += sysfs_emit_at(buf, at, "SLUICE region %d bytes %llu\n", SEAM_REGION, seam->region.len);
	/* A job on a worker thread: it ends with an event, a configuration change and an answer. */
	status = seam_send(seam, SEAM_FILL, FILLED_PAGE, PATTERN, 0);
	at += sysfs_emit_at(buf, at, "SLUICE job %s status %d\n",
			    status == SEAM_DONE ? "shown" : status == SEAM_NOT_SHOWN ? "unseen" : "failed", status);
	wait_event_timeout(seam->came, seam_taken(seam) != before, LIMIT);
	at += sysfs_emit_at(buf, at, "SLUICE event op %u page %u value %u\n", le32_to_cpu(seam->last.op),
			    le32_to_cpu(seam->last.page), le32_to_cpu(seam->last.value));
	wait_event_timeout(seam->came, atomic_read(&seam->changes) != changes, LIMIT);
	virtio_cread_le(seam->vdev, struct seam_config, jobs, &jobs_after);
	at += sysfs_emit_at(buf, at, "SLUICE config %s jobs %u\n",
			    atomic_read(&seam->changes) != changes ? "changed" : "silent", jobs_after - jobs_before);
	at = seam_check_window(seam, buf, at);
	/* More events than there are buffers. */
	before = seam_taken(seam);
	status = seam_send(seam, SEAM_EVENTS, 0, 0, BURST);
	wait_event_timeout(seam->came, seam_taken(seam) - before >= BURST, LIMIT);
	at += sysfs_emit_at(buf, at, "SLUICE events %u disordered %u status %d\n", seam_taken(seam) - before,
			    seam->out_of_order, status);
	/* Left as it was found. */
	if (seam->window)
		memset_io(seam->window, 0, seam->region.len);
	mutex_unlock(&seam->lock);
	return at;
}
static DEVICE_ATTR_RO(check);

static struct attribute *seam_attrs[] = { &dev_attr_check.attr, NULL };
ATTRIBUTE_GROUPS(seam);

static int seam_find_queues(struct seam *seam)
{
	struct virtqueue *vqs[2];
	struct virtqueue_info infos[] = {
		{ "commands", seam_command_done },
		{ "events", seam_event_came },
	};
	int error = virtio_find_vqs(seam->vdev, ARRAY_SIZE(vqs), vqs, infos, NULL);

	if (error)
		return error;
	seam->commands = vqs[0];
	seam->events = vqs[1];
	return 0;
}

static int seam_probe(struct virtio_device *vdev)
{
	struct seam *seam = devm_kzalloc(&vdev->dev, sizeof(*seam), GFP_KERNEL);
	int error, i;

	if (!seam)
		return -ENOMEM;
	seam->vdev = vdev;
	vdev->priv = seam;
	mutex_init(&seam->lock);
	spin_lock_init(&seam->event_lock);
	init_waitqueue_head(&seam->came);
	init_completion(&seam->answered);
	/* Each is mapped separately. */
	seam->command = devm_kzalloc(&vdev->dev, sizeof(*seam->command), GFP_KERNEL);
	seam->answer = devm_kzalloc(&vdev->dev, sizeof(*seam->answer), GFP_KERNEL);
	seam->buffers = devm_kcalloc(&vdev->dev, EVENT_BUFFERS, sizeof(*seam->buffers), GFP_KERNEL);
	if (!seam->command || !seam->answer || !seam->buffers)
		return -ENOMEM;
	if (virtio_get_shm_region(vdev, &seam->region, SEAM_REGION)) {
		seam->window = devm_ioremap_wc(&vdev->dev, seam->region.addr, seam->region.len);
		if (!seam->window)
			return -ENOMEM;
	}
	error = seam_find_queues(seam);
	if (error)
		return error;
	for (i = 0; i < EVENT_BUFFERS; i++)
		seam_lend(seam, &seam->buffers[i]);
	virtio_device_ready(vdev);
	virtqueue_kick(seam->events);
	return 0;
}

static void seam_remove(struct virtio_device *vdev)
{
	virtio_reset_device(vdev);
	vdev->config->del_vqs(vdev);
}

static const struct virtio_device_id seam_ids[] = {
	{ SEAM_ID, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, seam_ids);

static struct virtio_driver seam_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.dev_groups = seam_groups,
	.id_table = seam_ids,
	.probe = seam_probe,
	.remove = seam_remove,
	.config_changed = seam_config_changed,
};
module_virtio_driver(seam_driver);

MODULE_DESCRIPTION("Driver of Sluice's test device");
MODULE_LICENSE("GPL");
