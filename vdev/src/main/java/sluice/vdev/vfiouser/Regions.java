package sluice.vdev.vfiouser;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.BarMemory;

/** The regions of a PCI function as VFIO numbers them (linux/vfio.h, VFIO_PCI_BAR0_REGION_INDEX and following). */
final class Regions {
    static final int COUNT = 9;
    private static final int CONFIG = 7;
    private static final int INFO_BYTES = 32;
    private static final int FLAG_READ = 1;
    private static final int FLAG_WRITE = 2;
    private static final int FLAG_MMAP = 4;

    private final FunctionHost host;

    Regions(FunctionHost host) {
        this.host = host;
    }

    /** Answers GET_REGION_INFO. */
    void info(ClientMessage.GetRegionInfo question, Answers.Place place) throws IOException {
        int index = question.index();
        if (index < 0 || index >= COUNT)
            throw new RefusedException(Errno.EINVAL, "unknown region " + Integer.toUnsignedString(index));
        if (Integer.toUnsignedLong(question.argsz()) < INFO_BYTES) {
            throw new RefusedException(Errno.EINVAL,
                    "argsz is %d; a region needs 32".formatted(Integer.toUnsignedLong(question.argsz())));
        }
        Bar bar = host.bar(index);
        BarMemory memory = bar == null ? null : bar.memory();
        long size = size(index);
        int flags = size == 0 ? 0 : FLAG_READ | FLAG_WRITE | (memory == null ? 0 : FLAG_MMAP);
        Fd[] fds = memory == null ? new Fd[0] : new Fd[]{ memory.file().duplicate() };
        place.answer(body -> write(body, index, flags, size), fds);
    }

    private static void write(ByteBuf body, int index, int flags, long size) {
        body.writeIntLE(INFO_BYTES).writeIntLE(flags).writeIntLE(index).writeIntLE(0).writeLongLE(size).writeLongLE(0);
    }

    private long size(int index) {
        if (index == CONFIG) return host.function().config().size();
        Bar bar = host.bar(index);
        return bar == null ? 0 : bar.size();
    }

    /** Answers REGION_READ. */
    void read(ClientMessage.RegionRead read, Answers.Place place) throws IOException {
        check(read.region(), read.offset(), read.count());
        Consumer<byte[]> done = bytes -> place.answerLater(body -> body.writeLongLE(read.offset())
                .writeIntLE(read.region()).writeIntLE(bytes.length).writeBytes(bytes));
        Bar bar = host.bar(read.region());
        if (bar == null) {
            host.readConfig((int) read.offset(), read.count(), done);
        } else {
            host.readBar(bar, read.offset(), read.count(), done);
        }
    }

    /**
     * Checks that a range is in a region.
     *
     * @throws RefusedException EINVAL
     */
    void check(int region, long offset, int count) throws RefusedException {
        long size = region < 0 || region >= COUNT ? 0 : size(region);
        if (offset < 0 || offset > size - count) {
            throw new RefusedException(Errno.EINVAL, "%d bytes at 0x%x of region %s, which has 0x%x".formatted(count,
                    offset, Integer.toUnsignedString(region), size));
        }
    }

    /** Carries out checked writes. */
    void write(List<ClientMessage.RegionWrite> writes, Runnable done) {
        List<FunctionHost.Write> placed = new ArrayList<>(writes.size());
        for (ClientMessage.RegionWrite write : writes)
            placed.add(new FunctionHost.Write(host.bar(write.region()), write.offset(), write.bytes()));
        host.write(placed, done);
    }
}
