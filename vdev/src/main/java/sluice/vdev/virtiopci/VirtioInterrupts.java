package sluice.vdev.virtiopci;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.FunctionContext;
import sluice.vdev.pci.ConfigSpace;

/**
 * How the function interrupts its driver: by a vector for each event that has one, or, while MSI-X is off, by the interrupt
 * line and a register that says what it was (virtio 1.3 §4.1.4.5, §4.1.5.3, §4.1.5.4).
 */
final class VirtioInterrupts {
    /** VIRTIO_MSI_NO_VECTOR. */
    static final int NO_VECTOR = 0xffff;
    private static final int USED = 1;
    private static final int CONFIGURATION = 2;

    private final ConfigSpace config;
    private final int vectors;
    private @Nullable FunctionContext context;
    private int pending;
    private int configVector = NO_VECTOR;

    VirtioInterrupts(ConfigSpace config, int vectors) {
        this.config = config;
        this.vectors = vectors;
    }

    void connect(@Nullable FunctionContext next) {
        context = next;
    }

    /** The vector a driver gets when it asks for {@code wanted}: that, or none if there is no such vector. */
    int vector(int wanted) {
        return wanted < vectors ? wanted : NO_VECTOR;
    }

    int configVector() {
        return configVector;
    }

    void setConfigVector(int wanted) {
        configVector = vector(wanted);
    }

    /** A queue has used buffers. */
    void used(int vector) {
        if (config.isMsixEnabled()) {
            signal(vector);
        } else {
            pending |= USED;
            drive();
        }
    }

    /** The device's configuration or state has changed. */
    void configurationChanged() {
        pending |= CONFIGURATION;
        if (config.isMsixEnabled()) signal(configVector);
        drive();
    }

    private void signal(int vector) {
        FunctionContext present = context;
        if (vector != NO_VECTOR && present != null) present.signal(vector);
    }

    /** What the ISR register shows; reading it acknowledges everything. */
    int acknowledge() {
        int shown = pending;
        pending = 0;
        drive();
        return shown;
    }

    /** The line follows what is pending; whether the driver lets it, is its host's concern. */
    void drive() {
        FunctionContext present = context;
        if (present != null) present.assertInterrupt(pending != 0 && !config.isMsixEnabled());
    }

    void reset() {
        configVector = NO_VECTOR;
        pending = 0;
        drive();
    }
}
