package sluice.vdev.cli;

import java.io.IOException;
import java.util.List;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** The GPU among other devices; its options are those of {@code sluice gpu}. */
public final class GpuDeviceProvider implements DeviceProvider {
    @Override
    public String name() {
        return "gpu";
    }

    @Override
    public String description() {
        return "A virtio GPU (2D).";
    }

    @Override
    public List<DeviceOption> options() {
        return CommandOptions.of(new GpuCommand());
    }

    @Override
    public ProvidedDevice create(DeviceOptions options) throws IOException, WrongOptionException {
        GpuCommand command = new GpuCommand();
        GpuSetup setup = CommandOptions.apply(command, options, command::setup);
        return new ProvidedDevice.Wired((control, core) -> new GpuServer(setup.in(core), control));
    }
}
