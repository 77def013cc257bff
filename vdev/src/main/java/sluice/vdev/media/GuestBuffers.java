package sluice.vdev.media;

/** Where the memory of buffers comes from that is not the device's own, and where its own goes. */
interface GuestBuffers {
    /**
     * Makes what QBUF names the memory of a buffer: pages of the guest, or objects of other devices. On the device's loop.
     *
     * @param given the structure; lists or names of all planes follow the array of planes
     * @return 0, an errno, or {@link BufferQueue#RETRY}
     */
    int take(MediaBuffer buffer, Struct.Buffer given);

    /** Bytes of the object that a plane names; −1 if there is none. */
    long objectBytes(Struct.Buffer given, int plane);

    /**
     * EXPBUF: other devices find a plane by a name, that is written after the structure.
     *
     * @return 0, or an errno
     */
    int export(ArenaMemory plane, Struct.ExportBuffer request);
}
