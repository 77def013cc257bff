package sluice.vdev.display;

/** Messages of a back-end (enum VhostUserGpuRequest). */
final class DisplayRequest {
    static final int GET_PROTOCOL_FEATURES = 1;
    static final int SET_PROTOCOL_FEATURES = 2;
    static final int GET_DISPLAY_INFO = 3;
    static final int CURSOR_POS = 4;
    static final int CURSOR_POS_HIDE = 5;
    static final int CURSOR_UPDATE = 6;
    static final int SCANOUT = 7;
    static final int UPDATE = 8;
    static final int DMABUF_SCANOUT = 9;
    static final int DMABUF_UPDATE = 10;
    static final int GET_EDID = 11;
    static final int DMABUF_SCANOUT2 = 12;

    /** Protocol feature: the front-end answers GET_EDID. */
    static final long FEATURE_EDID = 1;
    /** Protocol feature: it takes DMABUF_SCANOUT2, with a modifier. */
    static final long FEATURE_DMABUF2 = 2;

    private DisplayRequest() {}
}
