package sluice.vdev.device;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.LongSupplier;

/** A counter written by one thread, usually the device's loop, and read by any thread without a lock. */
public final class Counter implements LongSupplier {
    private static final VarHandle VALUE;

    static {
        try {
            VALUE = MethodHandles.lookup().findVarHandle(Counter.class, "value", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private long value;

    /** Adds to it; on the writing thread. */
    public void add(long more) {
        VALUE.setOpaque(this, value + more);
    }

    /** Adds one; on the writing thread. */
    public void increment() {
        add(1);
    }

    @Override
    public long getAsLong() {
        return (long) VALUE.getOpaque(this);
    }
}
