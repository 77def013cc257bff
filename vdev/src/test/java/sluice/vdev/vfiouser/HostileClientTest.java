package sluice.vdev.vfiouser;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.loopback.InternalErrors;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;
import static sluice.vdev.fixture.VfioUserClient.body;

/** A client that breaks every rule: it gets an error number or loses its connection, and nothing is left of it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HostileClientTest {
    private static final int WAITING_MAPS = 2000;
    private static final long SEED = 20261121;
    private static final long RAM = 1 << 20;
    private static final int BOTH = MAP_READ | MAP_WRITE;
    private static final byte[] NO_DATA = {};

    private int fdsBefore;
    private PlainFunction function;
    private FunctionProcess process;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        fdsBefore = Fd.openCount();
        function = new PlainFunction();
        process = new FunctionProcess(function);
        ram = GuestRam.single(RAM, 1);
    }

    /** The next client is served as if nothing had been, and no descriptor stays open. */
    @AfterEach
    void theNextClientIsServed() throws IOException {
        try (VfioUserClient next = process.agreed()) {
            assertThat(next.map(0, RAM, 0, BOTH, ram.file())).isZero();
            next.write32(0, 0, 5);
            assertThat(next.read32(0, 0)).isEqualTo(5);
        }
        process.awaitGone();
        assertThat(process.host().space().table().mappings()).isEmpty();
        process.close();
        function.close();
        ram.close();
        Deadline.requireOwned(fdsBefore);
    }

    /** Something after which the connection is closed. */
    private interface Violation {
        void by(VfioUserClient client) throws IOException;
    }

    private void closes(VfioUserClient client, Violation violation) throws IOException {
        try (client) {
            violation.by(client);
            assertThat(client.isClosed()).as("the connection is closed").isTrue();
        }
        process.awaitGone();
    }

    private static ByteBuffer header(int command, int size, int flags) {
        return body(16).putShort((short) 1).putShort((short) command).putInt(size).putInt(flags).putInt(0).flip();
    }

    @Test
    void whatIsNoFrameEndsTheConnection() throws Exception {
        closes(process.connect(), client -> client.sendRaw(header(1, 15, 0)));
        closes(process.connect(), client -> client.sendRaw(header(1, -1, 0)));
        closes(process.agreed(), client -> client.sendRaw(header(10, (1 << 20) + 100, 0)));
        closes(process.agreed(), client -> client.sendRaw(header(9, 32, 2)));
    }

    @Test
    void theVersionComesFirst() throws Exception {
        closes(process.connect(), client -> client.post(VfioUserClient.GET_INFO, 0, body(16).putInt(16)));
        closes(process.connect(), client -> client.post(VfioUserClient.DMA_MAP, 0, body(32), ram.file()));
        closes(process.connect(), client -> assertThat(
                client.ask(VfioUserClient.VERSION, body(4).putShort((short) 1)).errno()).isEqualTo(Errno.EINVAL));
        closes(process.connect(),
                client -> assertThat(client.ask(VfioUserClient.VERSION, body(2)).errno()).isEqualTo(Errno.EINVAL));
        try (VfioUserClient client = process.agreed()) {
            assertThat(client.ask(VfioUserClient.VERSION, body(4)).errno()).isEqualTo(Errno.EINVAL);
        }
        process.awaitGone();
    }

    @Test
    void bodiesThatAreTooShortAreRefused() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            for (int command = 2; command <= 10; command++)
                assertThat(client.ask(command, body(3)).errno()).as("command %d", command).isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.WRITE_MULTI, body(3)).errno()).isEqualTo(Errno.EINVAL);
            for (int command : new int[]{ 0, 14, 16, 17, 18, 999, 65535, VfioUserClient.DMA_READ,
                    VfioUserClient.GET_REGION_IO_FDS })
                assertThat(client.ask(command, body(16)).errno()).as("command %d", command)
                        .isEqualTo(Errno.EOPNOTSUPP);
            assertThat(client.ask(VfioUserClient.WRITE_MULTI, body(8).putLong(Long.MAX_VALUE)).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.WRITE_MULTI,
                    body(32).putLong(1).putLong(0).putInt(0).putInt(9)).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.REGION_WRITE, body(17).putLong(0).putInt(0).putInt(4)).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.REGION_WRITE, body(17).putLong(0).putInt(0).putInt(-1)).errno())
                    .isEqualTo(Errno.EINVAL);
        }
        process.awaitGone();
    }

    @Test
    void accessesBeyondARegionAreRefused() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            assertThat(client.read(0, PlainFunction.BAR_BYTES - 2, 4).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(0, PlainFunction.BAR_BYTES, 1).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(0, -1, 4).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(0, Long.MAX_VALUE, 4).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(0, 0, 1 << 21).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(0, 0, -1).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(1, 0, 1).errno()).as("no such BAR").isEqualTo(Errno.EINVAL);
            assertThat(client.read(8, 0, 1).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(9, 0, 1).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.read(-1, 0, 1).errno()).isEqualTo(Errno.EINVAL);
            assertThat(client.write(0, PlainFunction.BAR_BYTES - 1, new byte[2])).isEqualTo(Errno.EINVAL);
            assertThat(client.write(2, PlainFunction.MEMORY_BYTES - 1, new byte[2])).isEqualTo(Errno.EINVAL);
            assertThat(client.write(VfioUserClient.CONFIG_REGION, 255, new byte[2])).isEqualTo(Errno.EINVAL);
            assertThat(function.writes).isEmpty();
            assertThat(client.ask(VfioUserClient.GET_REGION_INFO, body(32).putInt(32).putInt(8, 9)).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.GET_REGION_INFO, body(32).putInt(8).putInt(8, 2)).errno())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.ask(VfioUserClient.GET_IRQ_INFO, body(16).putInt(16).putInt(8, 5)).errno())
                    .isEqualTo(Errno.EINVAL);
        }
        process.awaitGone();
    }

    @Test
    void mapsThatMakeNoSenseAreRefused() throws Exception {
        try (VfioUserClient client = process.agreed();
                Fd event = EventFd.create();
                Fd empty = Memfd.create("empty", 0)) {
            assertThat(client.map(0, RAM, 0, BOTH, ram.file())).isZero();
            assertThat(client.map(0, RAM, 0, BOTH, ram.file())).as("over another").isEqualTo(Errno.EEXIST);
            assertThat(client.map(RAM - 4096, 8192, 0, BOTH)).isEqualTo(Errno.EEXIST);
            assertThat(client.map(RAM, RAM, 4096, BOTH, ram.file())).as("beyond the file").isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 4096, Long.MAX_VALUE & -4096, BOTH, ram.file())).isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 0, 0, BOTH, ram.file())).isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM + 1, 4096, 0, BOTH, ram.file())).isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 4096, 0, 0, ram.file())).as("no permission").isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 4096, 0, 7, ram.file())).as("unknown flags").isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 4096, 0, BOTH, event)).as("no file").isEqualTo(Errno.EINVAL);
            assertThat(client.map(RAM, 4096, 0, BOTH, empty)).as("an empty file").isEqualTo(Errno.EINVAL);
            assertThat(client.map(-4096, 4096, 0, BOTH)).as("beyond the bus").isEqualTo(Errno.ERANGE);
            assertThat(client.map(RAM, -4096, 0, BOTH)).isEqualTo(Errno.ERANGE);
            // More descriptors than are asked for are closed.
            assertThat(client.map(RAM, 4096, 0, BOTH, ram.file(), event, event)).isZero();
            assertThat(process.host().space().table().mappings()).hasSize(2);
        }
        process.awaitGone();
    }

    @Test
    void unmapsOfWhatIsNotThereAreRefused() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            assertThat(client.map(0, RAM, 0, BOTH, ram.file())).isZero();
            assertThat(client.unmap(RAM, 4096)).as("nothing is there").isEqualTo(Errno.ENOENT);
            assertThat(client.unmap(0, 4096)).as("a part of a mapping").isEqualTo(Errno.ERANGE);
            assertThat(client.unmap(0, 0)).isEqualTo(Errno.EINVAL);
            assertThat(client.unmap(0, 5)).isEqualTo(Errno.EINVAL);
            assertThat(client.unmap(-4096, 8192)).isEqualTo(Errno.EINVAL);
            assertThat(client.answer(client.postUnmap(0, RAM, 1), VfioUserClient.DMA_UNMAP).errno()).as("dirty pages")
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.answer(client.postUnmap(0, RAM, 2), VfioUserClient.DMA_UNMAP).errno())
                    .as("everything, and a range").isEqualTo(Errno.EINVAL);
            assertThat(process.host().space().table().mappings()).hasSize(1);
            assertThat(client.unmap(1L << 32, 1L << 32)).as("an IOMMU that clears its address space").isZero();
            assertThat(client.unmap(1L << 32, 1 << 20)).as("the least that is cleared so").isZero();
            assertThat(client.unmap(1L << 32, (1 << 20) - 4096)).as("a driver's mistake").isEqualTo(Errno.ENOENT);
            assertThat(client.unmap(0, RAM)).isZero();
            assertThat(client.unmap(0, 4096)).as("twice").isEqualTo(Errno.ENOENT);
        }
        process.awaitGone();
    }

    @Test
    void interruptsThatMakeNoSenseAreRefused() throws Exception {
        int set = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
        try (VfioUserClient client = process.agreed(); Fd event = EventFd.create()) {
            assertThat(client.setIrqs(set, 1, 0, 1, NO_DATA, event)).as("no MSI").isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, 5, 0, 1, NO_DATA, event)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, -1, 0, 1, NO_DATA, event)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 3, 2, NO_DATA, event, event))
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, -1, 2, NO_DATA, event, event))
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 0, -1, NO_DATA)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 0, 2, NO_DATA, event)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.LINE, 0, 1, NO_DATA, ram.file())).as("no eventfd")
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set, VfioUserClient.VECTORS, 0, 2, NO_DATA, event, ram.file()))
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(0, VfioUserClient.LINE, 0, 1, NO_DATA)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(set | VfioUserClient.DATA_NONE, VfioUserClient.LINE, 0, 1, NO_DATA, event))
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.MASK, VfioUserClient.VECTORS, 0, 1,
                    NO_DATA)).isEqualTo(Errno.EINVAL);
            assertThat(client.setIrqs(VfioUserClient.DATA_BOOL | VfioUserClient.TRIGGER, VfioUserClient.VECTORS, 0, 3,
                    new byte[]{ 1 })).isEqualTo(Errno.EINVAL);
            // Before set-up: no recipient, and no failure.
            client.write32(0, PlainFunction.COMMAND, PlainFunction.SIGNAL);
            client.write32(0, PlainFunction.COMMAND, PlainFunction.SIGNAL + 99);
            assertThat(client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                    NO_DATA)).isZero();
        }
        process.awaitGone();
    }

    @Test
    void aClientVanishesDuringADma() throws Exception {
        for (int command : new int[]{ PlainFunction.READ_LATER, PlainFunction.WRITE_LATER }) {
            try (VfioUserClient client = process.agreed()) {
                assertThat(client.map(0, 4096, 0, BOTH)).isZero();
                client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
                client.write32(0, PlainFunction.LENGTH, 64);
                client.post(VfioUserClient.REGION_WRITE, 0,
                        body(20).putLong(PlainFunction.COMMAND).putInt(0).putInt(4).putInt(command));
                assertThat(client.receive()).isPresent();
                assertThat(client.receive()).isPresent();
            }
            process.awaitGone();
        }
    }

    @Test
    void whatAClientLeavesMappedIsTold() throws Exception {
        try (LogTap log = new LogTap()) {
            try (VfioUserClient client = process.agreed()) {
                for (long page = 0; page < 3; page++)
                    assertThat(client.map((5 + 2 * page) * 4096, 4096, 0, BOTH, ram.file())).isZero();
                assertThat(client.unmap(5 * 4096, 4096)).isZero();
            }
            process.awaitGone();
            assertThat(log.told("left"))
                    .containsExactly("plain function: the front-end has gone and left 2 ranges mapped,"
                            + " 8192 bytes in all, the first [0x7000, 0x7fff]; a machine that goes off leaves what loaded drivers have"
                            + " mapped, and a driver behind an IOMMU unmaps what it does not use any more");
            assertThat(process.onLoop(process.host()::leaked)).isEqualTo(2);
            // All memory of a VM, as QEMU leaves it at its end: not a leak.
            try (VfioUserClient client = process.agreed()) {
                assertThat(client.map(0, 4096, 0, BOTH, ram.file())).isZero();
                assertThat(client.map(64 << 20, 64 << 20, 0, BOTH)).isZero();
            }
            process.awaitGone();
            assertThat(log.told("left")).hasSize(1);
            assertThat(process.onLoop(process.host()::leaked)).isEqualTo(2);
        }
    }

    /** Maps come faster than a function that is at work can take them: what piles up must not be descriptors. */
    @Test
    void mapsThatWaitForTheFunctionHoldNoDescriptors() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            int before = Fd.openCount();
            CountDownLatch atWork = new CountDownLatch(1);
            process.host().loop().execute(() -> await(atWork));
            for (int page = 0; page < WAITING_MAPS; page++) {
                client.post(VfioUserClient.DMA_MAP, VfioUserClient.NO_REPLY,
                        body(32).putInt(32).putInt(BOTH).putLong(0).putLong(page * 4096L).putLong(4096), ram.file());
            }
            // Its answer says that all of them were taken from the socket.
            assertThat(client.ask(VfioUserClient.GET_INFO, body(16).putInt(16)).errno()).isZero();
            Deadline.requireOwned(before);
            assertThat(process.host().space().table().mappings()).isEmpty();
            atWork.countDown();
            assertThat(client.unmap(0, WAITING_MAPS * 4096L)).isZero();
        }
        process.awaitGone();
    }

    /** A file that is not mapped yet is mapped where one may wait, and what comes after its map stays behind it. */
    @Test
    void aMapThatWaitsForOthersWhoMapHoldsNobodyUp() throws Exception {
        Field table = FileMappings.class.getDeclaredField("table");
        table.setAccessible(true);
        try (VfioUserClient client = process.agreed(); Fd fresh = Memfd.create("fresh", 0)) {
            Memfd.resize(fresh, 4096);
            synchronized (table.get(FileMappings.ofProcess())) {
                client.post(VfioUserClient.DMA_MAP, VfioUserClient.NO_REPLY,
                        body(32).putInt(32).putInt(BOTH).putLong(0).putLong(0).putLong(4096), fresh);
                assertThat(client.ask(VfioUserClient.GET_INFO, body(16).putInt(16)).errno()).isZero();
            }
            assertThat(client.unmap(0, 4096)).as("of what was mapped before").isZero();
            try (Fd empty = Memfd.create("empty", 0)) {
                assertThat(client.map(0, 4096, 0, BOTH, empty)).isEqualTo(Errno.EINVAL);
            }
        }
        process.awaitGone();
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(10, TimeUnit.SECONDS)) throw new AssertionError("the function is at work for ever");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Test
    void answersThatNobodyWaitsForChangeNothing() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            client.sendRaw(header(VfioUserClient.DMA_READ, 16, 1));
            client.sendRaw(header(777, 16, 0x21));
            assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x10f01af4);
        }
        process.awaitGone();
    }

    @Test
    void aClientThatDoesNotReadIsSentAway() throws Exception {
        try (VfioUserClient client = process.agreed()) {
            boolean refused = false;
            for (int i = 0; i < 10_000 && !refused; i++) {
                try {
                    client.post(VfioUserClient.REGION_READ, 0,
                            body(16).putLong(0).putInt(2).putInt(PlainFunction.MEMORY_BYTES));
                } catch (IOException closed) {
                    refused = true;
                }
            }
            assertThat(refused).as("it is not served for ever").isTrue();
        }
        process.awaitGone();
    }

    @Test
    void noiseDoesNoHarm() throws Exception {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        function.beCareful();
        try (InternalErrors errors = new InternalErrors()) {
            for (int round = 0; round < 200; round++) {
                try (VfioUserClient client = process.agreed()) {
                    for (int i = 0; i < 20 && !client.drain(); i++) noise(client, random);
                }
                process.awaitGone();
            }
            errors.requireNone();
        }
    }

    private void noise(VfioUserClient client, Random random) throws IOException {
        ByteBuffer body = body(random.nextInt(10) == 0 ? random.nextInt(100_000) : random.nextInt(64));
        while (body.remaining() >= 4)
            body.putInt(random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(64));
        int command = random.nextInt(20);
        // So that more of them get beyond the first look at them.
        if (body.capacity() >= 16 && command == VfioUserClient.REGION_WRITE) body.putInt(12, body.capacity() - 16);
        if (body.capacity() >= 8 && command == VfioUserClient.WRITE_MULTI) body.putLong(0, (body.capacity() - 8) / 24);
        Fd[] fds = random.nextInt(4) == 0 ? new Fd[]{ ram.file() } : new Fd[0];
        client.post(command, random.nextBoolean() ? VfioUserClient.NO_REPLY : 0, body, fds);
    }
}
