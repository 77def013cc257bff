package sluice.vdev.vhostuser;

/** What the front-end has said of one ring, until it starts. Used on the control loop. */
final class VringState {
    int size;
    int position;
    long descriptors;
    long available;
    long used;
    boolean started;
    /** It has run, and {@code position} is where it stopped. */
    boolean stopped;
}
