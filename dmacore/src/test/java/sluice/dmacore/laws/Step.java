package sluice.dmacore.laws;

import sluice.dmacore.ownership.Direction;

/**
 * One call of a program, or one access to bytes. Attachments, buffers and accesses of the CPU are numbers: those of the
 * {@link Setting}, and for accesses any that no other {@link Begin} has. Ranges are bytes of the buffer.
 */
sealed interface Step {
    /** How an attachment is mapped. */
    enum Mode {
        PLAIN,
        /** SKIP_CPU_SYNC, at the map and therefore at the unmap, too. */
        SKIP,
        /** CPU_KEEPS: addresses, and no transfer. */
        KEEPS
    }

    record Attach(int attachment) implements Step {
        @Override
        public String toString() {
            return "a%d = attach(%d)".formatted(attachment, attachment);
        }
    }

    record Detach(int attachment) implements Step {
        @Override
        public String toString() {
            return "a%d.detach()".formatted(attachment);
        }
    }

    record Map(int attachment, Direction direction, Mode mode) implements Step {
        @Override
        public String toString() {
            String how = mode == Mode.PLAIN ? "" : mode == Mode.SKIP ? ", SKIP_CPU_SYNC" : ", CPU_KEEPS";
            return "m%d = a%d.map(%s%s)".formatted(attachment, attachment, direction, how);
        }
    }

    record Unmap(int attachment) implements Step {
        @Override
        public String toString() {
            return "m%d.unmap()".formatted(attachment);
        }
    }

    record ForDevice(int attachment, int from, int length, Direction part) implements Step {
        @Override
        public String toString() {
            return "m%d.syncForDevice(%d, %d, %s)".formatted(attachment, from, length, part);
        }
    }

    record ForCpu(int attachment, int from, int length, Direction part) implements Step {
        @Override
        public String toString() {
            return "m%d.syncForCpu(%d, %d, %s)".formatted(attachment, from, length, part);
        }
    }

    record DeviceRead(int attachment, int from, int length) implements Step {
        @Override
        public String toString() {
            return "device.read(m%d, %d, %d)".formatted(attachment, from, length);
        }
    }

    record DeviceWrite(int attachment, int from, int length) implements Step {
        @Override
        public String toString() {
            return "device.write(m%d, %d, %d)".formatted(attachment, from, length);
        }
    }

    record Begin(int access, int buffer, int from, int length, Direction direction) implements Step {
        @Override
        public String toString() {
            return "c%d = b%d.begin(%d, %d, %s)".formatted(access, buffer, from, length, direction);
        }
    }

    record Read(int access, int buffer, int from, int length) implements Step {
        @Override
        public String toString() {
            return "c%d.read(%d, %d)".formatted(access, from, length);
        }
    }

    record Write(int access, int buffer, int from, int length) implements Step {
        @Override
        public String toString() {
            return "c%d.write(%d, %d)".formatted(access, from, length);
        }
    }

    record End(int access) implements Step {
        @Override
        public String toString() {
            return "c%d.end()".formatted(access);
        }
    }

    /** The CPU looks at bytes of a buffer without telling. */
    record Load(int buffer, int from, int length) implements Step {
        @Override
        public String toString() {
            return "load(b%d, %d, %d)".formatted(buffer, from, length);
        }
    }

    /** The CPU stores to bytes of a buffer without telling, as a guest does. */
    record Store(int buffer, int from, int length) implements Step {
        @Override
        public String toString() {
            return "store(b%d, %d, %d)".formatted(buffer, from, length);
        }
    }

    record Move(int buffer) implements Step {
        @Override
        public String toString() {
            return "b%d.move()".formatted(buffer);
        }
    }
}
