package sluice.dmacore.model;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.BracketedPages;
import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Two buffers over the same pages, three devices and a CPU, on the model and on two naive machines at a time: what each
 * operation does to all of them. Each byte read is compared.
 */
final class Stage {
    static final int PAGES = 2;
    static final int PAGE = Machine.PAGE;
    /** Pieces of memory that change owners on their own. */
    static final int LOTS = 8;
    static final int LOT = PAGES * PAGE / LOTS;
    static final int DEVICES = 3;
    static final int SNOOPER = 2;

    private static final int LINE = 64;
    private static final List<Direction> DIRECTIONS = List.of(Direction.values());

    /** An open access of the CPU, inside of one lot; {@code offset} counts from the first byte of memory. */
    record Access(CpuAccess access, int offset, int length, Direction direction) {
        int lot() {
            return offset / LOT;
        }
    }

    final Random random;
    final boolean unseen;
    final Rig rig;
    final Attachment[] attachments = new Attachment[DEVICES];
    final @Nullable DeviceMapping[] mappings = new DeviceMapping[DEVICES];
    /** Two of the first buffer, and one of the second. */
    final Opener[] openers = new Opener[3];
    final List<Access> open = new ArrayList<>();
    final NaiveCaches skipping;
    final NaiveCaches everything;
    /** What each device may do with each lot; null for nothing. */
    final @Nullable Direction[][] given = new Direction[DEVICES][LOTS];
    /** Whether the caches may hold what memory does not. */
    final boolean[] dirty = new boolean[LOTS];
    final StringBuilder told = new StringBuilder();
    private final DmaBuf[] buffers = new DmaBuf[2];
    private final int[][] pageOf;
    private final int[] bufferOf = new int[DEVICES];
    private final boolean[] coherent;
    private boolean compareEverything = true;
    private int lastOffset;
    private int lastLength = 1;

    Stage(Rig rig, Draw draw) throws IOException {
        this.rig = rig;
        unseen = draw.unseen();
        random = new Random(draw.seed());
        told.append(draw).append(": ");
        boolean snoop = draw.flavour() == Flavour.COHERENT;
        coherent = new boolean[]{ snoop, snoop, true };
        byte[] content = new byte[PAGES * PAGE];
        random.nextBytes(content);
        Machine.store(rig.ram(), 0, content);
        skipping = new NaiveCaches(content, true, draw, coherent);
        everything = new NaiveCaches(content, false, draw, coherent);
        boolean swapped = random.nextBoolean();
        pageOf = new int[][]{ { 0, 1 }, swapped ? new int[]{ 1, 0 } : new int[]{ 0, 1 } };
        for (int i = 0; i < 2; i++) {
            Runs pages = Machine.runs(rig.ram(), pageOf[i]);
            Exporter exporter = unseen ? new GuestPages(pages) : new BracketedPages(pages);
            buffers[i] = rig.machine().core().export("buffer " + i, PAGES * (long) PAGE, exporter);
        }
        for (int device = 0; device < DEVICES; device++) {
            bufferOf[device] = random.nextInt(2);
            attachments[device] = buffers[bufferOf[device]].attach(rig.functions()[device],
                    device == SNOOPER ? Stream.COHERENT : Stream.NON_COHERENT);
        }
        for (int i = 0; i < openers.length; i++) openers[i] = buffers[i / 2].open("cpu " + i);
    }

    void close() throws IOException {
        for (Attachment attachment : attachments) attachment.detach();
        for (DmaBuf buffer : buffers) buffer.release();
        for (Opener opener : openers) opener.close();
    }

    /** From here on a mistake is made, and what it does depends on what was skipped. */
    void expectMistake(Mistake mistake) {
        told.append(mistake).append("; ");
        compareEverything = false;
    }

    Direction anyDirection() {
        return DIRECTIONS.get(random.nextInt(DIRECTIONS.size()));
    }

    /** Whether no cache is between a device and the CPU's. */
    boolean snoops(int device) {
        return coherent[device];
    }

    boolean cpuOwns(int lot) {
        for (int device = 0; device < DEVICES; device++) {
            if (given[device][lot] != null) return false;
        }
        return true;
    }

    boolean isOpen(int lot) {
        return open.stream().anyMatch(access -> access.lot() == lot);
    }

    // ---- devices

    DeviceMapping mapped(int device) {
        DeviceMapping mapping = mappings[device];
        if (mapping == null) throw new IllegalStateException("device " + device + " has mapped nothing");
        return mapping;
    }

    DeviceMapping map(int device, Direction direction) throws IOException {
        told.append("map %d %s; ".formatted(device, direction));
        DeviceMapping mapping = attachments[device].map(direction);
        mappings[device] = mapping;
        for (int lot = 0; lot < LOTS; lot++) gave(device, lot, direction);
        return mapping;
    }

    void give(int device, int lot, Direction direction) throws IOException {
        told.append("give %d %d %s; ".formatted(device, lot, direction));
        mapped(device).syncForDevice(position(device, lot), LOT, direction);
        gave(device, lot, direction);
    }

    private void gave(int device, int lot, Direction direction) {
        given[device][lot] = direction;
        if (!snoops(device)) dirty[lot] = false;
        forLines(lot * LOT, LOT, line -> {
            skipping.give(device, line, direction);
            everything.give(device, line, direction);
        });
    }

    void take(int device, int lot) throws IOException {
        Direction had = given[device][lot];
        if (had == null) throw new IllegalStateException("nothing to take");
        told.append("take %d %d %s; ".formatted(device, lot, had));
        mapped(device).syncForCpu(position(device, lot), LOT, had);
        took(device, lot, had);
    }

    private void took(int device, int lot, Direction direction) {
        given[device][lot] = null;
        forLines(lot * LOT, LOT, line -> {
            skipping.take(device, line, direction);
            everything.take(device, line, direction);
        });
    }

    void unmap(int device) throws IOException {
        told.append("unmap %d; ".formatted(device));
        DeviceMapping mapping = mapped(device);
        mapping.unmap();
        ended(device, mapping.direction());
    }

    void ended(int device, Direction direction) {
        mappings[device] = null;
        for (int lot = 0; lot < LOTS; lot++) took(device, lot, direction);
    }

    /** A device reads or writes somewhere in a lot. */
    void access(int device, int lot, boolean write) {
        choose(lot);
        accessLast(device, write);
    }

    /** Chooses a place in a lot for the next accesses. */
    void choose(int lot) {
        lastLength = 1 + random.nextInt(200);
        lastOffset = lot * LOT + random.nextInt(LOT - lastLength);
    }

    /** A device reads or writes where the last access was, or at the place that was chosen. */
    void accessLast(int device, boolean write) {
        int length = lastLength;
        int lot = lastOffset / LOT;
        int into = lastOffset % LOT;
        long from = position(device, lot) + into;
        int offset = lot * LOT + into;
        told.append("%s %d at 0x%x+%d; ".formatted(write ? "write" : "read", device, offset, length));
        if (write) {
            dirty[lot] |= snoops(device);
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) {
                bytes[i] = (byte) (skipping.deviceRead(device, offset + i) + 1 + random.nextInt(5));
                skipping.deviceWrite(device, offset + i, bytes[i]);
                everything.deviceWrite(device, offset + i, bytes[i]);
            }
            Machine.write(rig.views()[device], mapped(device), from, bytes);
            return;
        }
        byte[] seen = Machine.read(rig.views()[device], mapped(device), from, length);
        for (int i = 0; i < length; i++)
            compare(offset + i, seen[i], skipping.deviceRead(device, offset + i),
                    everything.deviceRead(device, offset + i));
    }

    // ---- the CPU

    /** The CPU reads without begin. */
    void load(int offset, int length) {
        byte[] seen = Machine.load(rig.ram(), offset, length);
        for (int i = 0; i < length; i++)
            compare(offset + i, seen[i], skipping.load(offset + i), everything.load(offset + i));
    }

    private void compare(int offset, byte seen, byte skipped, byte done) {
        assertThat(seen).as("byte 0x%x of %s", offset, told).isEqualTo(skipped);
        if (compareEverything)
            assertThat(seen).as("byte 0x%x of %s, by a machine that skips nothing", offset, told).isEqualTo(done);
    }

    /** The CPU writes without begin. */
    void store(int offset, int length) {
        told.append("store at 0x%x+%d; ".formatted(offset, length));
        dirty[offset / LOT] = true;
        Machine.store(rig.ram(), offset, stored(offset, length));
    }

    private byte[] stored(int offset, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (skipping.load(offset + i) + 1 + random.nextInt(5));
            skipping.store(offset + i, bytes[i]);
            everything.store(offset + i, bytes[i]);
        }
        return bytes;
    }

    /** The CPU writes memory that it owns, with begin and end where required. */
    void write(int offset, int length) throws IOException {
        if (unseen) {
            store(offset, length);
            return;
        }
        Access access = begin(0, offset, length, Direction.BIDIRECTIONAL);
        use(access);
        end(access);
    }

    Access begin(int by, int offset, int length, Direction direction) throws IOException {
        told.append("begin %d 0x%x+%d %s; ".formatted(by, offset, length, direction));
        Access access = new Access(openers[by].begin(at(by / 2, offset), length, direction), offset, length, direction);
        open.add(access);
        forLines(offset, length, line -> {
            skipping.begin(line, direction);
            everything.begin(line, direction);
        });
        return access;
    }

    /** Reads and writes all of an access's bytes, as its direction allows. */
    void use(Access access) {
        int offset = access.offset();
        int length = access.length();
        long from = access.access().from();
        if (access.direction().deviceWrites()) {
            byte[] seen = new byte[length];
            access.access().read(from, seen, 0, length);
            for (int i = 0; i < length; i++)
                compare(offset + i, seen[i], skipping.load(offset + i), everything.load(offset + i));
        }
        if (access.direction().deviceReads()) {
            told.append("use 0x%x+%d; ".formatted(offset, length));
            dirty[access.lot()] = true;
            access.access().write(from, stored(offset, length), 0, length);
        }
    }

    void end(Access access) throws IOException {
        told.append("end 0x%x+%d %s; ".formatted(access.offset(), access.length(), access.direction()));
        open.remove(access);
        access.access().end();
        forLines(access.offset(), access.length(), line -> {
            skipping.end(line, access.direction());
            everything.end(line, access.direction());
        });
        // Who says that it writes counts as having written.
        dirty[access.lot()] |= access.direction().deviceReads();
        if (isOpen(access.lot())) return;
        for (int device = 0; device < DEVICES; device++) {
            if (!snoops(device) && given[device][access.lot()] != null) dirty[access.lot()] = false;
        }
    }

    /** Whether a line of a lot is newer in memory than in the caches, or may be. */
    boolean mayBeStale(int lot) {
        boolean[] stale = new boolean[1];
        forLines(lot * LOT, LOT, line -> stale[0] |= skipping.mayBeStale(line));
        return stale[0];
    }

    // ---- places

    private interface LineTask {
        void run(int line);
    }

    private static void forLines(int offset, int length, LineTask task) {
        for (int line = offset / LINE; line * LINE < offset + length; line++) task.run(line);
    }

    /** Where a lot is in the buffer of a device. */
    long position(int device, int lot) {
        return at(bufferOf[device], lot * LOT);
    }

    /** Where a byte of memory is in a buffer. */
    long at(int buffer, int offset) {
        int index = pageOf[buffer][0] == offset / PAGE ? 0 : 1;
        return (long) index * PAGE + offset % PAGE;
    }
}
