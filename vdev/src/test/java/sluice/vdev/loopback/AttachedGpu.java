package sluice.vdev.loopback;

import java.io.IOException;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VringState;
import sluice.vdev.gpu.GpuOptions;

/** A guest whose GPU is ours: back-end, front-end, driver and display. One thread at a time. */
public final class AttachedGpu implements AutoCloseable {
    /** Outputs of the display. */
    public static final int OUTPUTS = 16;
    public static final int WIDTH = 640;
    public static final int HEIGHT = 480;

    private static final int CONTROL_SIZE = 64;
    private static final int CURSOR_SIZE = 16;

    private final GpuBackEnd backEnd;
    private final GuestRam ram;
    private final DeviceSession session;
    private final GpuDriver driver;
    private final boolean ownsBackEnd;
    private @Nullable DisplayPeer display;

    private AttachedGpu(GpuBackEnd backEnd, boolean ownsBackEnd, GuestRam ram, Profile profile) throws IOException {
        this.backEnd = backEnd;
        this.ownsBackEnd = ownsBackEnd;
        this.ram = ram;
        this.session = new DeviceSession(backEnd.connect(), ram, profile, CONTROL_SIZE, CURSOR_SIZE);
        this.driver = new GpuDriver(session).fenced(true);
    }

    /** A guest of 32 MiB on QEMU 10.0, its driver running. */
    public static AttachedGpu start() throws IOException {
        return start(Profile.qemu10());
    }

    /** The same with another front-end. */
    public static AttachedGpu start(Profile profile) throws IOException {
        return start(GuestVariant.USUAL, profile);
    }

    /** The same with another guest. */
    public static AttachedGpu start(GuestVariant guest) throws IOException {
        return start(guest, Profile.qemu10());
    }

    private static AttachedGpu start(GuestVariant guest, Profile profile) throws IOException {
        AttachedGpu gpu = attached(guest.ram(), guest.profile(profile));
        gpu.session.realize();
        gpu.resume();
        return gpu;
    }

    /** Connected with memory of its own, and nothing said yet. */
    public static AttachedGpu attached(GuestRam ram, Profile profile) throws IOException {
        return new AttachedGpu(new GpuBackEnd(GpuOptions.defaults()), true, ram, profile);
    }

    /** One more guest for a back-end that lives on; its driver runs. */
    public static AttachedGpu start(GpuBackEnd backEnd) throws IOException {
        AttachedGpu gpu = new AttachedGpu(backEnd, false, GuestVariant.USUAL.ram(), Profile.qemu10());
        gpu.session.realize();
        gpu.resume();
        return gpu;
    }

    /** DRIVER_OK, or a VM that goes on, with a fresh display. */
    public void resume() throws IOException {
        resume(DisplayPeer.open(OUTPUTS, WIDTH, HEIGHT));
    }

    /** The same with a display the test has prepared; it is closed with this object. */
    public void resume(DisplayPeer fresh) throws IOException {
        display = fresh;
        session.start(fresh.backEndSide());
        fresh.backEndSide().close();
    }

    /** Gives the device a new display while it runs; the old one stays open, as QEMU never does. */
    public DisplayPeer replaceDisplay() throws IOException {
        DisplayPeer old = display();
        old.allowHangUp();
        DisplayPeer fresh = DisplayPeer.open(OUTPUTS, WIDTH, HEIGHT);
        display = fresh;
        session.frontEnd().gpuSetSocket(fresh.backEndSide());
        fresh.backEndSide().close();
        return old;
    }

    /** A VM that pauses: the display closes, then the rings stop. */
    public List<VringState> pause() throws IOException {
        closeDisplay();
        return session.stop();
    }

    /** A driver that resets its device: the rings are empty afterwards. */
    public void reset() throws IOException {
        closeDisplay();
        session.stopAndReset();
        driver.control().forget();
        driver.cursor().forget();
    }

    /** The display's end closes, and there is none until {@link #resume}. */
    public void closeDisplay() {
        DisplayPeer open = display;
        display = null;
        if (open != null) {
            open.close();
        }
    }

    public DisplayPeer display() {
        DisplayPeer open = display;
        if (open == null) {
            throw new AssertionError("the display is closed");
        }
        return open;
    }

    /** What the back-end has complained of, but for memory without seals, of which it has to warn. */
    public List<String> complaints() {
        return backEnd.log().complaints().stream().filter(line -> !line.contains("it lacks the seal F_SEAL_SHRINK"))
                .toList();
    }

    public GpuBackEnd backEnd() {
        return backEnd;
    }

    public DeviceSession session() {
        return session;
    }

    public GpuDriver driver() {
        return driver;
    }

    public GuestRam ram() {
        return ram;
    }

    /** A resource with scattered backing that is not transferred yet. */
    public Canvas canvas(int resource, int format, int width, int height) throws IOException {
        return Canvas.create(this, resource, format, width, height);
    }

    /** The end as QEMU makes it: display first, then the connection; then all is given back. */
    @Override
    public void close() {
        closeDisplay();
        session.close();
        backEnd.awaitGone();
        ram.close();
        if (ownsBackEnd) {
            backEnd.close();
        }
    }
}
