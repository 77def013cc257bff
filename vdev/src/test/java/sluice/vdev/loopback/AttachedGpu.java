package sluice.vdev.loopback;

import java.io.IOException;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
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
    private final VirtioSession session;
    private final GpuDriver driver;
    private final boolean ownsBackEnd;
    private @Nullable DisplayPeer display;
    private boolean paused;

    private AttachedGpu(GpuBackEnd backEnd, boolean ownsBackEnd, GuestRam ram, VirtioSession session) {
        this.backEnd = backEnd;
        this.ownsBackEnd = ownsBackEnd;
        this.ram = ram;
        this.session = session;
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

    /** A guest whose GPU has blobs, behind a front-end that lets its driver know. */
    public static AttachedGpu startWithBlobs(GuestVariant guest) throws IOException {
        return start(new GpuBackEnd(GpuOptions.defaults().withBlobs()), true, guest);
    }

    /** The same for a back-end that lives on. */
    public static AttachedGpu startWithBlobs(GpuBackEnd backEnd, GuestVariant guest) throws IOException {
        return start(backEnd, false, guest);
    }

    /** A guest whose GPU has host memory in a window of this size, and a context of number 1. */
    public static AttachedGpu startWithHostBlobs(GuestVariant guest, long windowBytes) throws IOException {
        AttachedGpu gpu = start(new GpuBackEnd(GpuOptions.defaults().withHostBlobs(windowBytes)), true, guest);
        gpu.driver().createContext(1).ok();
        return gpu;
    }

    private static AttachedGpu start(GpuBackEnd backEnd, boolean ownsBackEnd, GuestVariant guest) throws IOException {
        GuestRam ram = guest.ram();
        VirtioSession session = switch (guest.bus()) {
            case VHOST_USER -> overVhostUser(backEnd, ram,
                    guest.profile(Profile.qemu11()).withForced(backEnd.device().features()));
            case VFIO_USER -> new VirtioPciSession(backEnd.connectPci(), ram,
                    guest.pciFeatures(backEnd.device().features()), CONTROL_SIZE, CURSOR_SIZE);
        };
        AttachedGpu gpu = new AttachedGpu(backEnd, ownsBackEnd, ram, session);
        gpu.session.attach();
        gpu.resume();
        return gpu;
    }

    private static AttachedGpu start(GuestVariant guest, Profile profile) throws IOException {
        AttachedGpu gpu = switch (guest.bus()) {
            case VHOST_USER -> attached(guest.ram(), guest.profile(profile));
            case VFIO_USER -> onPci(guest);
        };
        gpu.session.attach();
        gpu.resume();
        return gpu;
    }

    /** Connected with memory of its own, and nothing said yet. */
    public static AttachedGpu attached(GuestRam ram, Profile profile) throws IOException {
        return attached(new GpuBackEnd(GpuOptions.defaults()), ram, profile);
    }

    /** The same with a back-end that was made for this, and ends with it. */
    public static AttachedGpu attached(GpuBackEnd backEnd, GuestRam ram, Profile profile) throws IOException {
        return new AttachedGpu(backEnd, true, ram, overVhostUser(backEnd, ram, profile));
    }

    private static DeviceSession overVhostUser(GpuBackEnd backEnd, GuestRam ram, Profile profile) throws IOException {
        return new DeviceSession(backEnd.connect(), ram, profile, CONTROL_SIZE, CURSOR_SIZE);
    }

    private static AttachedGpu onPci(GuestVariant guest) throws IOException {
        GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults());
        GuestRam ram = guest.ram();
        return new AttachedGpu(backEnd, true, ram, new VirtioPciSession(backEnd.connectPci(), ram,
                guest.pciFeatures(backEnd.device().features()), CONTROL_SIZE, CURSOR_SIZE));
    }

    /** One more guest for a back-end that lives on; its driver runs. */
    public static AttachedGpu start(GpuBackEnd backEnd) throws IOException {
        GuestRam ram = GuestVariant.USUAL.ram();
        AttachedGpu gpu = new AttachedGpu(backEnd, false, ram, overVhostUser(backEnd, ram, Profile.qemu10()));
        gpu.session.attach();
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
        switch (session) {
            case DeviceSession overVhostUser -> overVhostUser.start(fresh.backEndSide());
            case VirtioPciSession onPci -> {
                // No front-end hands one out there; what the GPU shows is looked at all the same.
                backEnd.connectDisplay(fresh.backEndSide().duplicate());
                if (!paused) onPci.start(null);
                paused = false;
            }
        }
        fresh.backEndSide().close();
    }

    /** Gives the device a new display while it runs; the old one stays open, as QEMU never does. */
    public DisplayPeer replaceDisplay() throws IOException {
        DisplayPeer old = display();
        old.allowHangUp();
        DisplayPeer fresh = DisplayPeer.open(OUTPUTS, WIDTH, HEIGHT);
        display = fresh;
        session().frontEnd().gpuSetSocket(fresh.backEndSide());
        fresh.backEndSide().close();
        return old;
    }

    /** A VM that pauses: the display closes, then the rings stop. */
    public List<VringState> pause() throws IOException {
        closeDisplay();
        return switch (session) {
            case DeviceSession overVhostUser -> overVhostUser.stop();
            // A PCI function is not notified: only the display is closed.
            case VirtioPciSession onPci -> {
                paused = true;
                yield List.of();
            }
        };
    }

    /** A driver that resets its device: the rings are empty afterwards. */
    public void reset() throws IOException {
        closeDisplay();
        session.reset();
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

    /** The session of a GPU behind vhost-user. */
    public DeviceSession session() {
        if (session instanceof DeviceSession overVhostUser) return overVhostUser;
        throw new AssertionError("this GPU is not behind vhost-user");
    }

    /** The session of a GPU on a PCI bus. */
    public VirtioPciSession pci() {
        if (session instanceof VirtioPciSession onPci) return onPci;
        throw new AssertionError("this GPU is not on a PCI bus of its own");
    }

    /** One more driver for the same queues. */
    public GpuDriver anotherDriver() {
        return new GpuDriver(session);
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
