"""Which elements and attributes of SVG draw, and do nothing else."""


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Words stand in these.
TEXT = _words("text tspan textPath title desc")
# What is in a link is drawn, the link itself is not kept.
UNWRAPPED = _words("a")
ELEMENTS = (
    UNWRAPPED
    | TEXT
    | _words("""
    svg g defs symbol use switch style image
    path rect circle ellipse line polyline polygon
    marker linearGradient radialGradient stop pattern clipPath mask filter
    feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting
    feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR
    feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting
    feSpotLight feTile feTurbulence
    """)
)
# These draw, or take colours from, what their href names in the same file.
REFERRING = _words("use image linearGradient radialGradient pattern textPath")
# A browser takes these as they are, and reads no address out of them.
PLAIN_ATTRIBUTES = _words("id class lang xml:lang role aria-label")
ATTRIBUTES = PLAIN_ATTRIBUTES | _words("""
    style xml:space aria-hidden
    x y x1 x2 y1 y2 cx cy r rx ry fx fy fr dx dy width height d points pathLength
    viewBox preserveAspectRatio version transform transform-origin
    gradientUnits gradientTransform spreadMethod offset patternUnits patternContentUnits
    patternTransform clipPathUnits maskUnits maskContentUnits filterUnits primitiveUnits
    markerWidth markerHeight markerUnits orient refX refY
    rotate textLength lengthAdjust startOffset method spacing side
    systemLanguage requiredFeatures requiredExtensions
    in in2 result mode type values tableValues slope intercept amplitude exponent operator
    k1 k2 k3 k4 order kernelMatrix divisor bias targetX targetY edgeMode kernelUnitLength
    preserveAlpha surfaceScale diffuseConstant specularConstant specularExponent
    azimuth elevation pointsAtX pointsAtY pointsAtZ z limitingConeAngle radius scale
    xChannelSelector yChannelSelector stdDeviation baseFrequency numOctaves seed stitchTiles
    alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation
    color-interpolation-filters color-rendering direction display dominant-baseline fill
    fill-opacity fill-rule filter flood-color flood-opacity font font-family font-size
    font-size-adjust font-stretch font-style font-variant font-weight image-rendering
    isolation letter-spacing lighting-color marker marker-end marker-mid marker-start
    mask mask-type mix-blend-mode opacity overflow paint-order shape-rendering
    stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap
    stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor
    text-decoration text-rendering unicode-bidi vector-effect visibility white-space
    word-spacing writing-mode
""")
