package sluice.vdev.media;

/**
 * The limits of a media device.
 *
 * @param virtioId 48, or another where a front-end does not take that
 * @param arenaBytes memory for MMAP buffers: a power of two, 1 MiB to 4 GiB
 * @param sessions that may be open at once, 1 to 1024
 * @param longestNanos of decoding one unit, before the session is ended
 */
public record MediaOptions(int virtioId, long arenaBytes, int sessions, long longestNanos) {
    /** The id of virtio-media. */
    public static final int VIRTIO_ID = 48;

    /** The usual ones. */
    public static MediaOptions usual() {
        return new MediaOptions(VIRTIO_ID, 256L << 20, 64, 5_000_000_000L);
    }

    /** With another longest time of decoding a unit. */
    public MediaOptions withLongest(long nanos) {
        return new MediaOptions(virtioId, arenaBytes, sessions, nanos);
    }
}
