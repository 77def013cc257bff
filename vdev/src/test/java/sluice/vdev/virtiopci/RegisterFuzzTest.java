package sluice.vdev.virtiopci;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.fixture.Used;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.host.FrontMemory;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.InternalErrors;
import sluice.vdev.pci.Bar;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Drivers of a fuzzer's making: whatever one writes into registers, configuration space and its rings, and whatever is
 * unmapped meanwhile, nothing goes wrong inside, and after a reset a good driver is served.
 *
 * <p>An input is a row of steps: a byte with what it does ({@link #WRITE} and others) and above it the size as a power of
 * two, two bytes of offset, and for those that write four bytes of value.
 */
class RegisterFuzzTest {
    static final int WRITE = 0;
    static final int READ = 1;
    static final int WRITE_CONFIG = 2;
    static final int READ_CONFIG = 3;
    /** Puts a number into guest memory. */
    static final int POKE = 4;
    /** Takes the page of the offset away. */
    static final int UNMAP = 5;
    /** Gives the page of the offset back, or says that it is there already. */
    static final int MAP = 6;
    static final int RESET = 7;
    static final int RAM_BYTES = 1 << 16;

    private static final int SIZE_SHIFT = 3;
    private static final int PAGE = 4096;
    private static final int LIMIT_SECONDS = 10;
    private static final int GOOD_SIZE = 8;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private @Nullable Served served;

    /** A function with its loop, and what stays the same from one driver to the next. */
    private static final class Served implements AutoCloseable, FrontMemory {
        private final InternalErrors errors = new InternalErrors();
        private final IoEventLoop loop = Loops.start("fuzz-function");
        private final HostLoop named = new HostLoop("echo", loop);
        private final Budget budget = Budget.of(Resource.MAPPINGS, 1);
        private final FileMappings files = new FileMappings(budget);
        private final FunctionHost host = new FunctionHost(
                new VirtioPciFunction(new EchoDevice(), named, 0), named, files);
        private final GuestRam ram;
        /** Held, or each driver would have it mapped anew before the mapping of the one before is closed. */
        private final FileMapping mapping;

        Served() throws IOException {
            ram = GuestRam.single(RAM_BYTES, 1);
            mapping = files.map(ram.file());
            host.attach(this);
        }

        @Override
        public void read(long address, int length, Consumer<byte @Nullable []> done) {
            done.accept(null);
        }

        @Override
        public void write(long address, byte[] bytes, Consumer<Boolean> done) {
            done.accept(false);
        }

        private Fd file() {
            try {
                return ram.file().duplicate();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        void map(long address, long length) {
            host.map(address, length, file(), address, Permission.READ_WRITE, errno -> {});
        }

        void write(int offset, int size, int value) {
            host.write(List.of(new FunctionHost.Write(bar(), offset, bytes(size, value))), () -> {});
        }

        private Bar bar() {
            Bar bar = host.bar(Structures.BAR);
            if (bar == null) throw new AssertionError("the function has no BAR of structures");
            return bar;
        }

        void settle() {
            await(host.loop()::execute);
            errors.requireNone();
        }

        private static void await(Consumer<Runnable> request) {
            CountDownLatch done = new CountDownLatch(1);
            request.accept(done::countDown);
            try {
                assertThat(done.await(LIMIT_SECONDS, TimeUnit.SECONDS)).as("the function's loop is alive").isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }

        private static byte[] bytes(int size, int value) {
            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++) bytes[i] = (byte) ((long) value >>> (Byte.SIZE * i));
            return bytes;
        }

        @Override
        public void close() {
            await(done -> host.detach(true, done));
            mapping.release();
            Deadline.in(Deadline.USUAL).require(() -> budget.used(Resource.MAPPINGS) == 0,
                    "an end without mappings left over");
            Loops.stop(loop);
            assertThat(loop.parent().terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            ram.close();
            errors.close();
            errors.requireNone();
        }
    }

    @AfterEach
    void end() {
        if (served != null) served.close();
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(RegisterFuzzTest.class, "registers", RegisterSeeds.all());
    }

    @FuzzTest
    void registers(byte[] input) throws IOException {
        if (served == null) served = new Served();
        Served function = served;
        function.map(0, RAM_BYTES);
        FuzzInput in = new FuzzInput(input);
        while (in.hasMore())
            step(function, in);
        function.settle();
        function.host.unmapAll(() -> {});
        function.host.reset(() -> {});
        assertServesAGoodDriver(function);
        function.host.unmapAll(() -> {});
        function.host.reset(() -> {});
        function.settle();
    }

    private static void step(Served function, FuzzInput in) {
        int what = in.u8();
        int size = 1 << (what >> SIZE_SHIFT & 3);
        int offset = in.u8() | in.u8() << 8;
        switch (what & 7) {
            case WRITE -> function.write(Math.min(offset, Structures.BYTES - size), size, in.i32());
            case READ -> function.host.readBar(function.bar(), Math.min(offset, Structures.BYTES - size), size,
                    bytes -> assertThat(bytes).hasSize(size));
            case WRITE_CONFIG ->
                function.host.write(List
                        .of(new FunctionHost.Write(null, Math.min(offset, PAGE - size), Served.bytes(size, in.i32()))),
                        () -> {});
            case READ_CONFIG -> function.host.readConfig(Math.min(offset, PAGE - size), size,
                    bytes -> assertThat(bytes).hasSize(size));
            case POKE -> function.ram.memory().set(INT, Math.min(offset, RAM_BYTES - Integer.BYTES), in.i32());
            case UNMAP -> function.host.unmap(AddressRange.of(offset & -PAGE, PAGE), errno -> {});
            case MAP -> function.map(offset & -PAGE, PAGE);
            default -> function.host.reset(() -> {});
        }
    }

    /** All of a driver's work, once. */
    private static void assertServesAGoodDriver(Served function) {
        function.map(0, RAM_BYTES);
        function.host.write(List.of(new FunctionHost.Write(null, 4, new byte[]{ 6, 0 })), () -> {});
        QueueLayout layout = QueueLayout.contiguous(GOOD_SIZE, 0, 0);
        function.settle();
        DriverQueue driver = DriverQueue.of(RingKind.SPLIT, function.ram.memory(), layout, false, false);
        long data = 2 * PAGE;
        function.ram.memory().set(INT, data, 0x12345678);
        function.ram.memory().set(INT, data + Integer.BYTES, 0);
        driver.submit(List.of(new Buffer(data, Integer.BYTES)),
                List.of(new Buffer(data + Integer.BYTES, Integer.BYTES)));
        function.write(VirtioPciRegisters.DRIVER_FEATURE_SELECT, 4, 1);
        function.write(VirtioPciRegisters.DRIVER_FEATURE, 4, 1);
        function.write(VirtioPciRegisters.DEVICE_STATUS, 1, 11);
        function.write(VirtioPciRegisters.QUEUE_SELECT, 2, 0);
        function.write(VirtioPciRegisters.QUEUE_SIZE, 2, GOOD_SIZE);
        function.write(VirtioPciRegisters.QUEUE_DRIVER, 4, (int) layout.availAddress());
        function.write(VirtioPciRegisters.QUEUE_DEVICE, 4, (int) layout.usedAddress());
        function.write(VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        function.write(VirtioPciRegisters.DEVICE_STATUS, 1, 15);
        function.settle();
        // A turn that was slow to begin goes on in the loop's next round.
        Deadline.in(Deadline.USUAL).require(driver::usedPending, "an answer to a good driver");
        assertThat(driver.poll()).map(Used::written).contains((long) Integer.BYTES);
        assertThat(function.ram.memory().get(INT, data + Integer.BYTES)).isEqualTo(0x12345678);
    }
}
