package sluice.vdev.console;

import java.util.List;

import sluice.dmacore.buffer.DmaCore;
import sluice.vdev.device.Screens;
import sluice.vdev.profile.Capture;
import sluice.vdev.report.ReportedDevice;

/** What a console shows; on any thread. */
public interface Watched {
    /** The devices, in the order in which they were given. */
    List<ReportedDevice> devices();

    /** Their screens. */
    Screens screens();

    /** The core through which they share buffers. */
    DmaCore core();

    /** What may be started and stopped: a recording and a profile, or nothing. */
    List<Capture> captures();

    /** Makes each device write its pictures and its report, as SIGUSR2 does; does not wait. */
    void show();
}
