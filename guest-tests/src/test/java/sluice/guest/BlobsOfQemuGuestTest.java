package sluice.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.guest.build.Folders;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.qemu.HostCommand;
import sluice.vdev.qemu.QemuHint;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * QEMU's own GPU with blobs ({@code virtio-gpu-pci,blob=on}) and ours get the same commands, right and wrong, over qtest, and give the
 * same answers and pictures, but for the differences listed here and in vdev/DIFFERENCES.md. QEMU's needs {@code /dev/udmabuf}, which
 * hosts of tests do not have: that QEMU runs inside of a guest, where no second kernel is booted, and its qtest comes out by a serial line.
 */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 8, unit = TimeUnit.MINUTES) // two minutes are the usual limit, which a busy machine needs to unpack QEMU in the guest
class BlobsOfQemuGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(3);
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int TYPE = 16;
    private static final long BLOB = 1 << 3;
    private static final long ACCESS_PLATFORM = 1L << 33;
    private static final long RINGS = 0x10_0000;
    private static final long COMMANDS = 0x20_0000;
    private static final long PAGE_A = 0x100_0000;
    private static final long PAGE_B = 0x110_0000;
    private static final int PAGE = 4096;
    private static final int SIDE = 16;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE);
    /** Rows apart, and not from the first byte on. */
    private static final GpuBlobPicture APART = new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE, 100, 52);
    private static final String QEMU = "/q/usr/bin/qemu-system-x86_64";
    private static final String LIBRARIES = "/q/usr/lib/x86_64-linux-gnu";

    /** By command: what QEMU answers, and what ours does. */
    private static final Map<String, List<Integer>> DIFFERENCES = Map.of("create of 0 bytes",
            List.of(GpuWire.RESP_OK_NODATA, GpuWire.RESP_ERR_INVALID_PARAMETER), "create outside of guest memory",
            List.of(GpuWire.RESP_OK_NODATA, GpuWire.RESP_ERR_UNSPEC), "create without pages",
            List.of(GpuWire.RESP_OK_NODATA, GpuWire.RESP_ERR_INVALID_PARAMETER));

    @TempDir
    private Path folder;

    /** A look at the screen. */
    @FunctionalInterface
    private interface Looking {
        /** The screen's pixels as R, G, B bytes in hexadecimal digits. */
        String screen() throws IOException, InterruptedException;
    }

    static List<TestQemu> configurations() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("configurations")
    void answersAndPicturesAreTheSame(TestQemu qemu) throws Exception {
        Map<String, String> ours = ofOurs(qemu);
        Map<String, String> theirs = ofQemu(qemu);
        Map<String, String> differing = new LinkedHashMap<>();
        theirs.forEach((command, answer) -> {
            String mine = ours.get(command);
            if (!answer.equals(mine)) differing.put(command, answer + ", ours " + mine);
        });
        Map<String, String> expected = new LinkedHashMap<>();
        for (String command : theirs.keySet()) {
            List<Integer> answers = DIFFERENCES.get(command);
            if (answers != null) expected.put(command, "%x, ours %x".formatted(answers.get(0), answers.get(1)));
        }
        assertThat(differing).as("QEMU's answers that differ, of %s", theirs).isEqualTo(expected);
    }

    // ---- the two devices

    private Map<String, String> ofOurs(TestQemu qemu) throws Exception {
        Path socket = folder.resolve("gpu");
        try (GpuBackEnd gpu = GpuBackEnd.withBlobs(DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT);
                Listener _ = gpu.listenPci(socket)) {
            Map<String, String> answers;
            try (Qemu machine = new QemuLaunch(qemu.binary()).memory(128).qtest()
                    .arguments("-device", QemuHint.function(socket)).start()) {
                DisplayPeer display = DisplayPeer.open(1, 64, 64);
                gpu.connectDisplay(display.backEndSide().duplicate());
                display.backEndSide().close();
                int[] looked = { 0 };
                answers = run(machine.qtest(), () -> {
                    display.await(Update.class, ++looked[0]);
                    StringBuilder pixels = new StringBuilder();
                    for (int pixel : display.picture(0).pixels()) pixels.append("%06x".formatted(pixel));
                    return pixels.toString();
                });
                display.close();
            }
            gpu.awaitGone();
            return answers;
        }
    }

    private Map<String, String> ofQemu(TestQemu qemu) throws Exception {
        GuestKernel kernel = GuestKernel.forQemu(qemu.binary(), TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).tree(qemuFolder(qemu)).build(TestQemu.CACHE);
        Path line = folder.resolve("line");
        try (Qemu outer = new QemuLaunch(qemu.binary())
                .accelerator(Accelerator.best(qemu.binary(), image, TestQemu.CACHE)).memory(1536)
                .boot(image, "sluice.run=serve")
                .arguments("-chardev", "socket,id=line,server=on,wait=off,path=" + line, "-device",
                        "isa-serial,chardev=line")
                .start()) {
            Console console = outer.console();
            console.waitFor("^SLUICE ready$", BOOT);
            // A CPU that halts at once: cli; hlt; jmp to the hlt.
            shell(console, "dd if=/dev/zero of=/tmp/idle bs=65536 count=1 2>/dev/null");
            shell(console, "printf '\\372\\364\\353\\375' | dd of=/tmp/idle bs=1 seek=65520 conv=notrunc 2>/dev/null");
            shell(console, "mkfifo /tmp/monitor.in /tmp/monitor.out && stty -F /dev/ttyS1 raw -echo");
            shell(console, LIBRARIES + "/ld-linux-x86-64.so.2 --inhibit-cache --library-path " + LIBRARIES + " " + QEMU
                    + " -no-user-config -nodefaults -display none -cpu qemu64 -bios /tmp/idle -L /q"
                    + " -machine q35,memory-backend=mem -object memory-backend-memfd,id=mem,size=128M,share=on -m 128M"
                    + " -device virtio-gpu-pci,blob=on,romfile= -chardev serial,id=line,path=/dev/ttyS1"
                    + " -qtest chardev:line -qtest-log /dev/null -monitor pipe:/tmp/monitor >/tmp/log 2>&1 </dev/null &");
            // The prompt of the monitor comes when the machine is made; what is sent before is lost.
            shell(console, "head -c 4 /tmp/monitor.out >/dev/null; { cat /tmp/monitor.out >/dev/null & }");
            try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                channel.connect(UnixDomainSocketAddress.of(line));
                QtestSession qtest = new QtestSession(channel);
                return run(qtest, () -> {
                    shell(console, "rm -f /tmp/screen; echo 'screendump /tmp/screen' >/tmp/monitor.in");
                    shell(console, "while ! [ -s /tmp/screen ]; do sleep 0.1; done; sleep 0.5");
                    console.send("echo SLUICE screen $(tail -c " + 3 * SIDE * SIDE
                            + " /tmp/screen | od -An -v -tx1 | tr -d ' \\n')");
                    String pixels = console.waitFor("^SLUICE screen ([0-9a-f]+)$", SOON).group(1);
                    console.waitFor("^SLUICE exit 0$", SOON);
                    return pixels;
                });
            }
        }
    }

    private static void shell(Console console, String command) throws IOException, InterruptedException {
        console.send(command);
        assertThat(console.waitFor("^SLUICE exit (\\d+)$", SOON).group(1)).as("exit status of " + command)
                .isEqualTo("0");
    }

    /** The unpacked QEMU with its libraries, as it is to be in the guest: 96 MB. */
    private static Path qemuFolder(TestQemu qemu) throws IOException, InterruptedException {
        Path from = Objects.requireNonNull(qemu.binary().path().getParent(), "a folder").resolve("root");
        return Folders.make(TestQemu.CACHE.folder("nested").resolve(qemu.name()), unfinished -> {
            for (String part : List.of("usr/bin/qemu-system-x86_64", "usr/lib/x86_64-linux-gnu")) {
                Path to = Objects.requireNonNull(unfinished.resolve("q").resolve(part).getParent(), "a folder");
                Files.createDirectories(to);
                HostCommand.output(List.of("cp", "-a", from.resolve(part).toString(), to.toString()));
            }
        });
    }

    // ---- the commands

    private static ByteBuffer blob(int resource, long size, Buffer... pages) {
        return GpuCommands.createBlob(resource, size, List.of(pages));
    }

    private static ByteBuffer show(int resource, GpuBlobPicture picture) {
        return GpuCommands.setScanoutBlob(0, resource, picture.all(), picture);
    }

    /** Without SET_SCANOUT of a blob, after which QEMU was seen to answer no more. */
    private static Map<String, ByteBuffer> commands() {
        Buffer page = new Buffer(PAGE_A, PAGE);
        Map<String, ByteBuffer> all = new LinkedHashMap<>();
        all.put("create", blob(1, PAGE, page));
        all.put("create with an id in use", blob(1, PAGE, page));
        all.put("create with id 0", blob(0, PAGE, page));
        all.put("create of 0 bytes", blob(2, 0, page));
        all.put("create of 2^63 bytes", blob(10, 1L << 63, page));
        all.put("create outside of guest memory", blob(3, PAGE, new Buffer(0x7000_0000, PAGE)));
        all.put("create without pages", blob(4, PAGE));
        all.put("create of more bytes than pages", blob(5, 2 * PAGE, page));
        all.put("create of 100 bytes", blob(6, 100, page));
        all.put("create of host memory", blob(7, PAGE).putInt(GpuWire.CREATE_BLOB_MEMORY, GpuWire.BLOB_MEM_HOST3D));
        all.put("create of unknown memory", blob(8, PAGE, page).putInt(GpuWire.CREATE_BLOB_MEMORY, 7));
        all.put("create of two pages, swapped", blob(9, 2 * PAGE, new Buffer(PAGE_B, PAGE), page));
        all.put("show an unknown resource", show(99, PICTURE));
        all.put("show on an unknown scan-out", GpuCommands.setScanoutBlob(99, 1, PICTURE.all(), PICTURE));
        all.put("show without a width", show(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 0, SIDE)));
        all.put("show beyond the blob", show(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 64, 17)));
        all.put("show rows that overlap", show(1, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE, 60, 0)));
        all.put("show an unknown format", show(1, GpuBlobPicture.of(9999, SIDE, SIDE)));
        all.put("show a part outside", GpuCommands.setScanoutBlob(0, 1, new GpuRect(8, 8, SIDE, SIDE), PICTURE));
        all.put("show a part of nothing", GpuCommands.setScanoutBlob(0, 1, GpuRect.of(0, 0), PICTURE));
        all.put("show", show(1, PICTURE));
        all.put("flush, look", GpuCommands.flush(1, PICTURE.all()));
        all.put("flush an unknown resource", GpuCommands.flush(99, PICTURE.all()));
        all.put("flush beyond the picture", GpuCommands.flush(1, GpuRect.of(SIDE, SIDE + 1)));
        all.put("show rows apart", show(9, APART));
        all.put("flush rows apart, look", GpuCommands.flush(9, APART.all()));
        all.put("transfer of a blob", GpuCommands.transferToHost2d(9, PICTURE.all(), 0));
        all.put("map", GpuCommands.mapBlob(1, 0));
        all.put("unmap", GpuCommands.unmapBlob(1));
        all.put("attach pages to a blob that has some", GpuCommands.attachBacking(1, 0));
        all.put("unref while shown", GpuCommands.unref(9));
        all.put("unref again", GpuCommands.unref(9));
        all.put("create with an id that was in use", blob(9, PAGE, page));
        return all;
    }

    private static Map<String, String> run(QtestSession qtest, Looking looking) throws Exception {
        VirtioPciDriver driver = VirtioPciDriver.find(qtest, TYPE);
        assertThat(driver.negotiate(BLOB | ACCESS_PLATFORM) & BLOB).as("RESOURCE_BLOB").isEqualTo(BLOB);
        SplitQueue control = driver.queue(0, 16, RINGS);
        driver.start();
        draw(qtest, PAGE_A, 0, 64, 1);
        // In the blob of two pages: its first row is at 52 of the second page's frame, which comes first.
        draw(qtest, PAGE_B, 52, 100, 2);
        Map<String, String> answers = new LinkedHashMap<>();
        for (Map.Entry<String, ByteBuffer> command : commands().entrySet()) {
            ByteBuffer request = command.getValue();
            byte[] bytes = new byte[request.limit()];
            request.get(0, bytes);
            byte[] answer = control.exchange(bytes, COMMANDS, GpuWire.MAP_INFO_BYTES, SOON);
            int type = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN).getInt(GpuWire.HDR_TYPE);
            String seen = "%x".formatted(type);
            if (command.getKey().endsWith(", look")) seen += " " + looking.screen();
            answers.put(command.getKey(), seen);
        }
        return answers;
    }

    private static void draw(QtestSession qtest, long page, int offset, int stride, int frame) throws IOException {
        for (int y = 0; y < SIDE; y++) {
            byte[] row = new byte[4 * SIDE];
            for (int x = 0; x < SIDE; x++) {
                row[4 * x] = (byte) (frame * 50 + x);
                row[4 * x + 1] = (byte) (16 * y + x);
                row[4 * x + 2] = (byte) (200 - 8 * y);
            }
            qtest.write(page + offset + (long) y * stride, row);
        }
    }
}
