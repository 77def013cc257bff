package sluice.vdev.vfiouser;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FdInfo;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VfioUserMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.CONFIG_REGION;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;
import static sluice.vdev.fixture.VfioUserClient.body;

/** What a client of vfio-user gets from a function that has one of everything. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SessionTest {
    private static final int DONE = 0;
    private static final int FAULT = 1;
    private static final int ONLY_LATER = 2;
    private static final int NOT_BUS_MASTER = 3;
    private static final long RAM = 1 << 20;
    private static final byte[] NO_DATA = {};

    private int fdsBefore;
    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        fdsBefore = Fd.openCount();
        function = new PlainFunction();
        process = new FunctionProcess(function);
        client = process.agreed();
        ram = GuestRam.single(RAM, 1);
    }

    @AfterEach
    void nothingIsLeft() {
        client.close();
        process.awaitGone();
        assertThat(process.host().space().table().mappings()).isEmpty();
        assertThat(function.resets.get()).as("the function is as after power-on").isPositive();
        process.close();
        function.close();
        ram.close();
        Deadline.requireOwned(fdsBefore);
    }

    private void busMaster() throws IOException {
        assertThat(client.write(CONFIG_REGION, 4, (byte) 6, (byte) 0)).isZero();
    }

    private void mapRam() throws IOException {
        assertThat(client.map(0, RAM, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
        busMaster();
    }

    private int dma(int command, long address, int length) throws IOException {
        client.write32(0, PlainFunction.ADDRESS, (int) address);
        client.write32(0, PlainFunction.ADDRESS + 4, (int) (address >>> 32));
        client.write32(0, PlainFunction.LENGTH, length);
        client.write32(0, PlainFunction.COMMAND, command);
        return client.read32(0, PlainFunction.STATE);
    }

    private void awaitSignal(Fd eventfd) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return EventFd.drain(eventfd) > 0;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "an interrupt");
    }

    @Test
    void everyRequestIsAnsweredWhateverFails() throws Exception {
        mapRam();
        function.failing = true;
        assertThat(client.write(CONFIG_REGION, 4, (byte) 6, (byte) 0)).isZero();
        assertThat(client.ask(VfioUserClient.RESET, body(0)).error()).isZero();
        assertThat(client.read32(CONFIG_REGION, 0)).isEqualTo(0x10f0_1af4);
        assertThat(client.unmap(0, RAM)).isZero();
        int before = function.ends.get();
        client.close();
        process.awaitGone();
        assertThat(function.ends).as("told of its end, though the reset before failed").hasValue(before + 1);
        function.failing = false;
        client = process.agreed();
    }

    @Test
    void theVersionIsWhatQemuTakes() throws Exception {
        try (FunctionProcess other = new FunctionProcess(function)) {
            VfioUserClient fresh = other.connect();
            assertThat(fresh.agree()).isEqualTo("""
                    {"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"max_dma_maps":65535,"pgsizes":4096,\
                    "write_multiple":true}}""");
            fresh.close();
            other.awaitGone();
        }
    }

    @Test
    void theFunctionIsDescribed() throws Exception {
        ByteBuffer info = client.ask(VfioUserClient.GET_INFO, body(16).putInt(16)).body();
        assertThat(info.getInt(4)).as("flags: reset, PCI").isEqualTo(3);
        assertThat(info.getInt(8)).as("regions").isEqualTo(9);
        assertThat(info.getInt(12)).as("interrupt types").isEqualTo(5);
        long[] sizes = { PlainFunction.BAR_BYTES, 0, PlainFunction.MEMORY_BYTES, 0, 0, 0, 0, 256, 0 };
        for (int region = 0; region < sizes.length; region++) {
            VfioUserMessage answer = client.ask(VfioUserClient.GET_REGION_INFO, body(32).putInt(32).putInt(8, region));
            assertThat(answer.body().getInt(4)).as("flags of region %d", region)
                    .isEqualTo(sizes[region] == 0 ? 0 : region == 2 ? 7 : 3);
            assertThat(answer.body().getLong(16)).as("size of region %d", region).isEqualTo(sizes[region]);
            assertThat(answer.fds()).hasSize(region == 2 ? 1 : 0);
            answer.fds().forEach(Fd::close);
        }
        int[] counts = { 1, 0, PlainFunction.VECTOR_COUNT, 0, 0 };
        int[] flags = { 7, 0, 9, 0, 0 };
        for (int index = 0; index < counts.length; index++) {
            ByteBuffer answer = client.ask(VfioUserClient.GET_IRQ_INFO, body(16).putInt(16).putInt(8, index)).body();
            assertThat(answer.getInt(12)).as("count of type %d", index).isEqualTo(counts[index]);
            assertThat(answer.getInt(4)).as("flags of type %d", index).isEqualTo(flags[index]);
        }
    }

    @Test
    void configurationSpaceIsReadAndWritten() throws Exception {
        assertThat(client.read32(CONFIG_REGION, 0)).isEqualTo(0x10f01af4);
        // A BAR's size is found by writing ones.
        client.write32(CONFIG_REGION, 0x10, -1);
        assertThat(client.read32(CONFIG_REGION, 0x10)).isEqualTo(-PlainFunction.BAR_BYTES);
        client.write32(CONFIG_REGION, 0x18, -1);
        client.write32(CONFIG_REGION, 0x1c, -1);
        assertThat(client.read32(CONFIG_REGION, 0x18)).isEqualTo(-PlainFunction.MEMORY_BYTES | 12);
        assertThat(client.read32(CONFIG_REGION, 0x1c)).isEqualTo(-1);
        assertThat(client.read(CONFIG_REGION, 0, 256).body().remaining()).isEqualTo(16 + 256);
        assertThat(client.read(CONFIG_REGION, 0, 257).errno()).isEqualTo(Errno.EINVAL);
        assertThat(client.ask(VfioUserClient.RESET, body(0)).errno()).isZero();
        assertThat(client.read32(CONFIG_REGION, 0x10)).isZero();
    }

    @Test
    void accessesBecomeWhatTheFunctionKnows() throws Exception {
        client.write32(0, 0, 0x44332211);
        assertThat(client.read32(0, 0)).isEqualTo(0x44332211);
        VfioUserMessage odd = client.read(0, 1, 5);
        assertThat(odd.body().slice(16, 5).get(0)).isEqualTo((byte) 0x22);
        function.writes.clear();
        assertThat(client.write(0, 5, new byte[]{ 1, 2, 3, 4, 5, 6, 7, 8, 9 })).isZero();
        assertThat(function.writes).containsExactly(new PlainFunction.Seen(5, 1, 1),
                new PlainFunction.Seen(6, 2, 0x0302), new PlainFunction.Seen(8, 4, 0x07060504),
                new PlainFunction.Seen(12, 2, 0x0908));
        // The table of vectors is QEMU's own.
        function.writes.clear();
        client.write32(0, PlainFunction.TABLE, 1);
        assertThat(client.read32(0, PlainFunction.PENDING)).isZero();
        assertThat(function.writes).isEmpty();
        assertThat(client.read32(0, 0x3c)).as("a function that fails reads as 0").isZero();
        client.write32(0, PlainFunction.COMMAND, PlainFunction.FAIL);
    }

    @Test
    void memoryBehindABarIsOneWithItsFile() throws Exception {
        client.write32(2, 4096, 0xcafe);
        assertThat(function.memory().get(ValueLayout.JAVA_INT, 4096)).isEqualTo(0xcafe);
        assertThat(client.write(2, 1, new byte[4000])).isZero();
        VfioUserMessage all = client.read(2, 0, PlainFunction.MEMORY_BYTES);
        assertThat(all.body().getInt(16 + 4096)).isEqualTo(0xcafe);
    }

    @Test
    void manyWritesInOneMessage() throws Exception {
        ByteBuffer multi = body(8 + 3 * 24).putLong(3);
        for (int i = 0; i < 3; i++) multi.putLong(4L * i).putInt(0).putInt(4).putLong(100 + i);
        assertThat(client.ask(VfioUserClient.WRITE_MULTI, multi).body().getLong(0)).isEqualTo(3);
        assertThat(client.read32(0, 8)).isEqualTo(102);
        multi.putLong(8 + 24, PlainFunction.BAR_BYTES);
        multi.putLong(8 + 16, 77);
        assertThat(client.ask(VfioUserClient.WRITE_MULTI, multi).errno()).isEqualTo(Errno.EINVAL);
        assertThat(client.read32(0, 0)).as("nothing of it is done").isEqualTo(100);
        multi.putLong(8 + 24, 4);
        client.post(VfioUserClient.WRITE_MULTI, VfioUserClient.NO_REPLY, multi);
        assertThat(client.read32(0, 0)).isEqualTo(77);
    }

    @Test
    void theFunctionReachesWhatIsMapped() throws Exception {
        mapRam();
        byte[] pattern = new byte[5000];
        for (int i = 0; i < pattern.length; i++) pattern[i] = (byte) (i * 7);
        MemorySegment.copy(pattern, 0, ram.memory(), ValueLayout.JAVA_BYTE, 8000, pattern.length);
        assertThat(dma(PlainFunction.READ, 8000, pattern.length)).isEqualTo(DONE);
        assertThat(function.buffer).startsWith(pattern);
        assertThat(dma(PlainFunction.WRITE, 100_000, pattern.length)).isEqualTo(DONE);
        assertThat(ram.memory().asSlice(100_000, pattern.length).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(pattern);
        assertThat(dma(PlainFunction.WRITE, RAM - 4, 8)).isEqualTo(FAULT);
        assertThat(client.unmap(0, RAM)).isZero();
        assertThat(dma(PlainFunction.READ, 8000, 4)).isEqualTo(FAULT);
        assertThat(process.onLoop(() -> process.host().statistics().bytes())).isEqualTo(2L * pattern.length);
    }

    @Test
    void aDriverThatHasNotSetBusMasterGetsNoDma() throws Exception {
        mapRam();
        client.write32(CONFIG_REGION, 4, 2);
        assertThat(dma(PlainFunction.WRITE, 0, 4)).isEqualTo(NOT_BUS_MASTER);
    }

    @Test
    void memoryWithoutAFileIsAskedFor() throws Exception {
        mapRam();
        assertThat(client.map(RAM, 4096, 0, MAP_READ | MAP_WRITE)).isZero();
        assertThat(dma(PlainFunction.READ, RAM, 4)).isEqualTo(ONLY_LATER);
        assertThat(dma(PlainFunction.READ_LATER, 0, 4)).as("what has a file is not asked for").isEqualTo(DONE);
        int id = client.post(VfioUserClient.REGION_WRITE, 0,
                body(20).putLong(PlainFunction.ADDRESS).putInt(0).putInt(4).putInt((int) RAM));
        assertThat(client.answer(id, VfioUserClient.REGION_WRITE).errno()).isZero();
        client.write32(0, PlainFunction.LENGTH, 5);
        int command = client.post(VfioUserClient.REGION_WRITE, 0,
                body(20).putLong(PlainFunction.COMMAND).putInt(0).putInt(4).putInt(PlainFunction.READ_LATER));
        VfioUserMessage question = question(command);
        assertThat(question.command()).isEqualTo(VfioUserClient.DMA_READ);
        assertThat(question.body().getLong(0)).isEqualTo(RAM);
        assertThat(question.body().getLong(8)).isEqualTo(5);
        assertThat(client.read32(0, PlainFunction.STATE)).isEqualTo(PlainFunction.STATE_WAITING);
        client.reply(question, 0, body(21).putLong(RAM).putLong(5).put(new byte[]{ 9, 8, 7, 6, 5 }));
        awaitState(DONE);
        assertThat(function.buffer).startsWith(9, 8, 7, 6, 5);
        int write = client.post(VfioUserClient.REGION_WRITE, 0,
                body(20).putLong(PlainFunction.COMMAND).putInt(0).putInt(4).putInt(PlainFunction.WRITE_LATER));
        VfioUserMessage told = question(write);
        assertThat(told.command()).isEqualTo(VfioUserClient.DMA_WRITE);
        assertThat(told.body().get(16 + 4)).isEqualTo((byte) 5);
        client.reply(told, Errno.EFAULT, body(0));
        awaitState(PlainFunction.STATE_REFUSED);
        assertThat(process.onLoop(() -> process.host().statistics().messages())).isEqualTo(2);
        assertThat(process.onLoop(() -> process.host().statistics().messageBytes())).isEqualTo(10);
    }

    /** The back-end's question; it and the answer to our command come in any order. */
    private VfioUserMessage question(int command) throws IOException {
        VfioUserMessage first = client.receive().orElseThrow();
        VfioUserMessage second = client.receive().orElseThrow();
        VfioUserMessage reply = first.isReply() ? first : second;
        assertThat(reply.isReply()).isTrue();
        assertThat(reply.id()).isEqualTo(command);
        return first.isReply() ? second : first;
    }

    private void awaitState(int state) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return client.read32(0, PlainFunction.STATE) == state;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "state " + state);
    }

    @Test
    void anUnmapAnswersWithWhatWasAsked() throws Exception {
        mapRam();
        int id = client.postUnmap(0, RAM, 0);
        ByteBuffer answer = client.answer(id, VfioUserClient.DMA_UNMAP).body();
        assertThat(answer.remaining()).isEqualTo(24);
        assertThat(answer.getLong(16)).isEqualTo(RAM);
        mapRam();
        assertThat(client.answer(client.postUnmap(0, 0, 2), VfioUserClient.DMA_UNMAP).errno()).isZero();
        assertThat(process.host().space().table().mappings()).isEmpty();
    }

    /** Drivers that share a line look at the status bit; some, like uio_pci_generic, then disable the line for a while. */
    @Test
    void theDriverSeesWhoseInterruptItIsAndMayDisableIt() throws Exception {
        try (Fd line = EventFd.create()) {
            assertThat(client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                    new byte[0], line)).isZero();
            assertThat(client.read32(CONFIG_REGION, 4) >>> 16 & 8).as("interrupt status").isZero();
            assertThat(client.write(CONFIG_REGION, 4, (byte) 2, (byte) 4)).isZero();
            client.write32(0, PlainFunction.COMMAND, PlainFunction.ASSERT);
            assertThat(client.read32(CONFIG_REGION, 4) >>> 16 & 8).as("although disabled").isEqualTo(8);
            assertThat(EventFd.drain(line)).as("disabled").isZero();
            assertThat(client.write(CONFIG_REGION, 4, (byte) 2, (byte) 0)).isZero();
            awaitSignal(line);
            client.write32(0, PlainFunction.COMMAND, PlainFunction.DEASSERT);
            assertThat(client.read32(CONFIG_REGION, 4) >>> 16 & 8).isZero();
        }
    }

    @Test
    void whatWeSignalIsMadeNonBlocking() throws Exception {
        try (Fd eventfd = EventFd.create()) {
            UnixSocket.setBlocking(eventfd);
            int set = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
            assertThat(client.setIrqs(set, VfioUserClient.LINE, 0, 1, NO_DATA, eventfd)).isZero();
            assertThat(FdInfo.isNonBlocking(eventfd)).isTrue();
        }
    }

    @Test
    void theInterruptLineIsALevel() throws Exception {
        try (Fd eventfd = EventFd.create(); Fd unmask = EventFd.create()) {
            client.write32(0, PlainFunction.COMMAND, PlainFunction.ASSERT);
            int set = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
            assertThat(client.setIrqs(set, VfioUserClient.LINE, 0, 1, NO_DATA, eventfd)).isZero();
            awaitSignal(eventfd); // it was asserted before anybody listened
            client.write32(0, PlainFunction.COMMAND, PlainFunction.ASSERT);
            assertThat(EventFd.drain(eventfd)).as("masked until the front-end says otherwise").isZero();
            int unmaskNow = VfioUserClient.DATA_NONE | VfioUserClient.UNMASK;
            assertThat(client.setIrqs(unmaskNow, VfioUserClient.LINE, 0, 1, NO_DATA)).isZero();
            awaitSignal(eventfd);
            client.write32(0, PlainFunction.COMMAND, PlainFunction.DEASSERT);
            assertThat(client.setIrqs(unmaskNow, VfioUserClient.LINE, 0, 1, NO_DATA)).isZero();
            assertThat(EventFd.drain(eventfd)).as("there is nothing to tell any more").isZero();
            int unmaskBy = VfioUserClient.DATA_EVENTFD | VfioUserClient.UNMASK;
            assertThat(client.setIrqs(unmaskBy, VfioUserClient.LINE, 0, 1, NO_DATA, unmask)).isZero();
            client.write32(0, PlainFunction.COMMAND, PlainFunction.ASSERT);
            awaitSignal(eventfd);
            EventFd.signal(unmask);
            awaitSignal(eventfd);
            int disable = VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER;
            assertThat(client.setIrqs(disable, VfioUserClient.LINE, 0, 0, NO_DATA)).isZero();
            assertThat(client.setIrqs(unmaskNow, VfioUserClient.LINE, 0, 1, NO_DATA)).isZero();
            assertThat(EventFd.drain(eventfd)).isZero();
        }
    }

    /** It would be signalled by its own signal, for as long as the function asserts it. */
    @Test
    void aLineThatWouldUnmaskItselfIsRefused() throws Exception {
        int line = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
        int unmask = VfioUserClient.DATA_EVENTFD | VfioUserClient.UNMASK;
        try (Fd one = EventFd.create(); Fd same = one.duplicate(); Fd other = EventFd.create()) {
            assertThat(client.setIrqs(line, VfioUserClient.LINE, 0, 1, NO_DATA, one)).isZero();
            assertThat(client.setIrqs(unmask, VfioUserClient.LINE, 0, 1, NO_DATA, same)).isEqualTo(Errno.EINVAL);
            client.write32(0, PlainFunction.COMMAND, PlainFunction.ASSERT);
            awaitSignal(one);
            assertThat(EventFd.drain(one)).as("once").isZero();
            assertThat(client.setIrqs(line, VfioUserClient.LINE, 0, 1, NO_DATA, other)).isZero();
            awaitSignal(other);
            assertThat(client.setIrqs(unmask, VfioUserClient.LINE, 0, 1, NO_DATA, same)).isZero();
            assertThat(client.setIrqs(line, VfioUserClient.LINE, 0, 1, NO_DATA, one)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 0,
                    NO_DATA)).isZero();
            assertThat(client.setIrqs(line, VfioUserClient.LINE, 0, 1, NO_DATA, one)).as("after a new beginning")
                    .isZero();
        }
    }

    @Test
    void aVectorIsAnEventfd() throws Exception {
        try (Fd one = EventFd.create(); Fd two = EventFd.create()) {
            client.write32(0, PlainFunction.COMMAND, PlainFunction.SIGNAL + 2); // before set-up: lost
            int set = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 1, 2, NO_DATA, one, two)).isZero();
            assertThat(EventFd.drain(two)).isZero();
            client.write32(0, PlainFunction.COMMAND, PlainFunction.SIGNAL + 2);
            awaitSignal(two);
            assertThat(EventFd.drain(one)).isZero();
            // By the front-end itself, the second of two.
            assertThat(client.setIrqs(VfioUserClient.DATA_BOOL | VfioUserClient.TRIGGER, VfioUserClient.VECTORS, 1, 2,
                    new byte[]{ 1, 0 })).isZero();
            awaitSignal(one);
            assertThat(EventFd.drain(two)).isZero();
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 0, PlainFunction.VECTOR_COUNT, NO_DATA)).isZero();
            client.write32(0, PlainFunction.COMMAND, PlainFunction.SIGNAL + 2);
            assertThat(EventFd.drain(two)).as("taken away").isZero();
        }
    }
}
