package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice gpu --transport=vfio-user} as users start it. */
class PciGpuCommandTest {
    /** VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY. */
    private static final int OUT_OF_MEMORY = 0x1201;
    private static final long F_EDID = 1L << 1;
    private static final int SIDE = 64;

    @TempDir
    private Path folder;

    @Test
    void itIsAGpuOnAPciBusWhosePicturesAreSnapshots() throws Exception {
        Path socket = folder.resolve("gpu.sock");
        Path statistics = folder.resolve("statistics.json");
        try (SluiceProgram program = SluiceProgram.start(folder, "gpu", "--transport=vfio-user",
                "--socket-path=" + socket, "--resolution=800x600", "--snapshot-every=1", "--snapshot-dir=" + folder,
                "--stats=" + statistics)) {
            program.awaitLine("attach it to QEMU ");
            assertThat(program.output()).contains("qemu-system-x86_64 -machine q35")
                    .contains("\"driver\":\"vfio-user-pci\"")
                    .contains("\"path\":\"" + socket + "\"}}'");
            draw(socket);
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.errors()).doesNotContain("\tat ").doesNotContain("SEVERE").doesNotContain("WARNING");
        }
        assertThat(socket).doesNotExist();
        try (var files = Files.list(folder)) {
            assertThat(files).anyMatch(file -> file.toString().endsWith(".png"));
        }
        JsonObject report = JsonParser.parseString(Files.readString(statistics)).getAsJsonObject();
        assertThat(report.get("frames").getAsInt()).isEqualTo(1);
        assertThat(report.has("frontIommu")).as("nothing is asked for").isFalse();
        assertThat(report.getAsJsonObject("space").get("maps").getAsInt()).isPositive();
    }

    /** The front-end that shows screens clears the bit of blobs: whoever uses it is warned, and the line names the one that does not. */
    @Test
    void aGpuWithBlobsOverVhostUserIsForTheTestDevice() throws Exception {
        Path socket = folder.resolve("gpu.sock");
        try (SluiceProgram program = SluiceProgram.start(folder, "gpu", "--blob", "--socket-path=" + socket)) {
            program.awaitLine("attach it to QEMU ");
            assertThat(program.output())
                    .contains("vhost-user-test-device-pci,chardev=vdev,virtio-id=16,num_vqs=2,config_size=20")
                    .doesNotContain("vhost-user-gpu-pci");
            try (FrontEnd frontEnd = new FrontEnd(UnixSocket.connect(socket));
                    DisplayPeer display = DisplayPeer.open(1, SIDE, SIDE)) {
                assertThat(frontEnd.getFeatures() & 1L << 3).as("RESOURCE_BLOB").isNotZero();
                frontEnd.gpuSetSocket(display.backEndSide());
                assertThat(frontEnd.getFeatures()).as("it goes on").isNotZero();
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.errors()).contains("vhost-user-gpu-pci does not pass RESOURCE_BLOB");
        }
    }

    @Test
    void theLargestResourceIsShownOnOneScanoutAndNoMore() throws Exception {
        Path socket = folder.resolve("gpu.sock");
        try (SluiceProgram program = SluiceProgram.start(folder, "gpu", "--transport=vfio-user",
                "--socket-path=" + socket, "--outputs=16", "--snapshot-dir=" + folder)) {
            program.awaitLine("listening on ");
            VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
            client.agree();
            try (GuestRam ram = GuestRam.single(4 << 20, 1);
                    VirtioPciSession session = new VirtioPciSession(client, ram,
                            VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 16)) {
                session.attach();
                session.start(null);
                GpuDriver driver = new GpuDriver(session).fenced(true);
                // All of the 256 MiB that resources may use; the process has as much heap.
                driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 8192, 8192).ok();
                driver.setScanout(0, 1, GpuRect.of(8192, 8192)).ok();
                // A front-end keeps a picture of each: QEMU would grow by 4 GiB.
                for (int scanout = 1; scanout < 16; scanout++) {
                    driver.setScanout(scanout, 1, GpuRect.of(8192, 8192)).requireType(OUT_OF_MEMORY);
                }
                new ProcessBuilder("kill", "-USR2", Long.toString(program.pid())).start().waitFor();
                program.awaitLine("snapshot ");
                assertThat(program.output()).contains("scanout0-");
                driver.getDisplayInfo().requireType(GpuWire.RESP_OK_DISPLAY_INFO);
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
        }
    }

    private static void draw(Path socket) throws IOException {
        VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
        client.agree();
        try (GuestRam ram = GuestRam.single(4 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(client, ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM | F_EDID, 64, 16)) {
            session.attach();
            assertThat(session.registers().config(0, 4)).isEqualTo(0x1050_1af4);
            session.start(null);
            GpuDriver driver = new GpuDriver(session).fenced(true);
            GpuResponse edid = driver.getEdid(0);
            assertThat(edid.type()).as("its own EDID").isEqualTo(GpuWire.RESP_OK_EDID);
            driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE).ok();
            driver.attachBacking(1, ram.allocateScattered(4L * SIDE * SIDE)).ok();
            driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).ok();
            driver.setScanout(0, 1, GpuRect.of(SIDE, SIDE)).ok();
            driver.flush(1, GpuRect.of(SIDE, SIDE)).ok();
        }
    }
}
