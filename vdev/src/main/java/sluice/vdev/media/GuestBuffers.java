package sluice.vdev.media;

/** Where the memory of USERPTR buffers comes from. */
interface GuestBuffers {
    /**
     * Makes the pages that QBUF lists the memory of a buffer. On the device's loop.
     *
     * @param given the structure; the lists of all planes follow the array of planes
     * @return 0, an errno, or {@link BufferQueue#RETRY}
     */
    int take(MediaBuffer buffer, Struct.Buffer given);
}
