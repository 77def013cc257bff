package sluice.vdev.host;

import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

/** Memory that only a front-end reaches, as a transport asks it. Neither call waits; answers come on any thread. */
public interface FrontMemory {
    /** @param done gets the bytes, or null if there are none to be had */
    void read(long address, int length, Consumer<byte @Nullable []> done);

    /** @param done gets whether it was done */
    void write(long address, byte[] bytes, Consumer<Boolean> done);
}
