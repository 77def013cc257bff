package sluice.vdev.device;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.LongSupplier;

/** A number that one thread changes, usually the device's loop, and any thread may read without a lock. */
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

    /** Adds to it; on the thread that changes it. */
    public void add(long more) {
        VALUE.setOpaque(this, value + more);
    }

    /** Adds one; on the thread that changes it. */
    public void increment() {
        add(1);
    }

    @Override
    public long getAsLong() {
        return (long) VALUE.getOpaque(this);
    }
}
