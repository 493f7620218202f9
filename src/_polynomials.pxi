# The polynomials: coefficients from tools/coefficients.py, which also states their errors.

cdef inline double expm1_reduced_rest(double r) noexcept nogil:
    """e^r - 1 - r for |r| <= log(2) / 2, relative error 2^-57 before rounding."""
    cdef double p = 2.0914686968086876e-09
    p = mul_add(p, r, 2.5105217004720745e-08)
    p = mul_add(p, r, 2.75572736431103e-07)
    p = mul_add(p, r, 2.7557255400206422e-06)
    p = mul_add(p, r, 2.4801587325547743e-05)
    p = mul_add(p, r, 0.00019841269874820627)
    p = mul_add(p, r, 0.0013888888888883748)
    p = mul_add(p, r, 0.008333333333326136)
    p = mul_add(p, r, 0.04166666666666667)
    p = mul_add(p, r, 0.1666666666666667)
    p = mul_add(p, r, 0.5)
    return r * r * p


cdef inline double expm1_reduced_half(double r) noexcept nogil:
    """(e^r - 1 - r) / r^2, which is about 1/2, for |r| <= log(2) / 2, relative error 2^-52 before rounding.

    Pairs of terms first: the chain of dependent operations is half as long as Horner's.
    """
    cdef double r2 = r * r, r4 = r2 * r2
    cdef double low = mul_add(mul_add(0.008333333333330062, r, 0.04166666666662413), r2,
                              mul_add(0.16666666666666669, r, 0.5000000000000001))
    cdef double high = mul_add(mul_add(2.7557268459997064e-06, r, 2.4801521295954376e-05), r2,
                               mul_add(0.00019841269863053618, r, 0.0013888888917213717))
    high = mul_add(mul_add(2.510038549551032e-08, r, 2.7620088445409746e-07), r4, high)
    return mul_add(high, r4, low)


cdef inline double expm1_reduced_short(double r) noexcept nogil:
    """e^r - 1 - r for |r| <= log(2) / 2, relative error 2^-34: enough where float is the result and nothing cancels."""
    cdef double p = 2.4859589834589056e-05
    p = mul_add(p, r, 0.00019899285575896282)
    p = mul_add(p, r, 0.001388885403566671)
    p = mul_add(p, r, 0.00833329846980059)
    p = mul_add(p, r, 0.04166666671901226)
    p = mul_add(p, r, 0.16666666719028936)
    p = mul_add(p, r, 0.5)
    return r * r * p


cdef inline double atanh_rest(double z) noexcept nogil:
    """(2 atanh(s) - 2 s) / s^3, z = s^2 <= 1/9, relative error 2^-52 before rounding."""
    cdef double z2 = z * z, z4 = z2 * z2
    cdef double low = mul_add(mul_add(0.22222222717427864, z, 0.2857142856710876), z2,
                              mul_add(0.40000000000014585, z, 0.6666666666666666))
    cdef double high = mul_add(mul_add(0.12001072809590713, z, 0.13314144209654935), z2,
                               mul_add(0.15385570064958623, z, 0.18181789436132859))
    high = mul_add(mul_add(0.1616404561194353, z, 0.08800738486144674), z4, high)
    return mul_add(high, z4, low)


cdef inline double tanh_gap_rest(double z) noexcept nogil:
    """(x - tanh x) / x^3, z = x^2 <= 1, is 1/3 + z times this polynomial."""
    cdef double p = 8.538161901212156e-09
    p = mul_add(p, z, -9.364144622965759e-08)
    p = mul_add(p, z, 5.122767150793262e-07)
    p = mul_add(p, z, -1.9216974143833895e-06)
    p = mul_add(p, z, 5.777484136865915e-06)
    p = mul_add(p, z, -1.541627724102249e-05)
    p = mul_add(p, z, 3.8991741215043214e-05)
    p = mul_add(p, z, -9.67910218266933e-05)
    p = mul_add(p, z, 0.0002390884367049363)
    p = mul_add(p, z, -0.0005900175685254319)
    p = mul_add(p, z, 0.0014558326516768139)
    p = mul_add(p, z, -0.003592127823422879)
    p = mul_add(p, z, 0.008863235512566054)
    p = mul_add(p, z, -0.021869488535296695)
    p = mul_add(p, z, 0.053968253968231523)
    return mul_add(p, z, -0.1333333333333331)


cdef inline double normal_tail_rest(double t) noexcept nogil:
    """(1 + a) Phi(-a) / exp(-a^2 / 2), t = (a - 4) / (a + 4), is 0.472 + t times this polynomial."""
    cdef double p = -7.916719925880278e-10
    p = mul_add(p, t, -1.5506980833004738e-09)
    p = mul_add(p, t, 6.249113664698089e-09)
    p = mul_add(p, t, 1.7674889651836897e-08)
    p = mul_add(p, t, -1.9913251999238056e-08)
    p = mul_add(p, t, -1.110328886877407e-07)
    p = mul_add(p, t, 1.4676600593283318e-09)
    p = mul_add(p, t, 5.520151010249323e-07)
    p = mul_add(p, t, 4.0448526036329704e-07)
    p = mul_add(p, t, -2.6129103224764573e-06)
    p = mul_add(p, t, -3.4321997119225085e-06)
    p = mul_add(p, t, 1.3626869656340193e-05)
    p = mul_add(p, t, 2.125004946489111e-05)
    p = mul_add(p, t, -8.785318378131222e-05)
    p = mul_add(p, t, -9.443025388719951e-05)
    p = mul_add(p, t, 0.0006948971046100352)
    p = mul_add(p, t, -0.0002856230979733444)
    p = mul_add(p, t, -0.005002378591050549)
    p = mul_add(p, t, 0.017936097479672987)
    p = mul_add(p, t, -0.03219783742808545)
    p = mul_add(p, t, 0.02860036405355088)
    p = mul_add(p, t, 0.013999634724425405)
    p = mul_add(p, t, -0.0967034773265258)
    return p


cdef inline double normal_tail_short(double t) noexcept nogil:
    """normal_tail to 2^-31, with its leading coefficient."""
    cdef double p = 1.0194462617444465e-05
    p = mul_add(p, t, 1.5226837121313894e-05)
    p = mul_add(p, t, -8.63445041116727e-05)
    p = mul_add(p, t, -9.000445570378771e-05)
    p = mul_add(p, t, 0.0006949464844098315)
    p = mul_add(p, t, -0.0002871851250356841)
    p = mul_add(p, t, -0.005002581734296288)
    p = mul_add(p, t, 0.017936355768670947)
    p = mul_add(p, t, -0.032197789239786404)
    p = mul_add(p, t, 0.028600347342203743)
    p = mul_add(p, t, 0.01399963133003027)
    p = mul_add(p, t, -0.09670347708521211)
    return mul_add(p, t, 0.4720532065464435)


cdef inline double through_zero(Pair d, double t, double p, double slope, double low) noexcept nogil:
    """d (slope + low + t p) for t = d rounded: what is not d * slope is small beside it, and may round."""
    return mul_add(d.hi, slope, d.hi * mul_add(p, t, low) + d.lo * slope)


cdef inline double swish_slope_near_zero(Pair d, Pair multiple) noexcept nogil:
    """swish_slope(z0 + d) for |d| <= 1/16, times what `multiple` is of d."""
    cdef double t = d.hi + d.lo, p = -2.9710633664725938e-05
    p = mul_add(p, t, -4.093402573552048e-05)
    p = mul_add(p, t, 0.00018570716531323203)
    p = mul_add(p, t, 0.0007985219798206147)
    p = mul_add(p, t, 0.0001266274101903543)
    p = mul_add(p, t, -0.006606589138493352)
    p = mul_add(p, t, -0.015222655223188084)
    p = mul_add(p, t, 0.01887481422378238)
    p = mul_add(p, t, 0.1466487969969469)
    return through_zero(multiple, t, p, 0.2178117057198001, -3.9795450522708194e-18)


cdef inline double gelu_tanh_slope_near_zero(Pair d) noexcept nogil:
    """gelu_tanh_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -3.488689785254129e-05
    p = mul_add(p, t, 0.00012406556210891996)
    p = mul_add(p, t, 0.0002639273362213633)
    p = mul_add(p, t, -0.0009274412027880525)
    p = mul_add(p, t, -0.0024227318452588525)
    p = mul_add(p, t, 0.005261059253260842)
    p = mul_add(p, t, 0.019682309459832553)
    p = mul_add(p, t, -0.01661932834305104)
    p = mul_add(p, t, -0.11394448308095899)
    p = mul_add(p, t, -0.01578285352184803)
    p = mul_add(p, t, 0.38751844613578895)
    return through_zero(d, t, p, 0.4304000910248585, 2.0282577326280165e-17)


cdef inline double gelu_slope_near_zero(Pair d) noexcept nogil:
    """gelu_slope(x0 + d) for |d| <= 1/4, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -1.9483211115586473e-09
    p = mul_add(p, t, 5.614817769932654e-07)
    p = mul_add(p, t, 4.328798121669628e-07)
    p = mul_add(p, t, -7.747570426562661e-06)
    p = mul_add(p, t, -1.1214382021614744e-05)
    p = mul_add(p, t, 8.615943155700084e-05)
    p = mul_add(p, t, 0.00018633974628596658)
    p = mul_add(p, t, -0.0007448268372971335)
    p = mul_add(p, t, -0.0022395380680743497)
    p = mul_add(p, t, 0.004539228379103509)
    p = mul_add(p, t, 0.01942167983818907)
    p = mul_add(p, t, -0.014771522148244167)
    p = mul_add(p, t, -0.1140082332972217)
    p = mul_add(p, t, -0.018199676398671087)
    p = mul_add(p, t, 0.388284982990552)
    return through_zero(d, t, p, 0.4314939923140469, 2.7308936741361944e-17)


cdef inline double mish_slope_near_zero(Pair d) noexcept nogil:
    """mish_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -4.213025390019054e-05
    p = mul_add(p, t, 0.0002535842183955046)
    p = mul_add(p, t, 0.0009898186787416206)
    p = mul_add(p, t, 0.0010924074041705394)
    p = mul_add(p, t, -0.0033606849278275722)
    p = mul_add(p, t, -0.015821126564332707)
    p = mul_add(p, t, -0.020271822716683853)
    p = mul_add(p, t, 0.04190782104361114)
    p = mul_add(p, t, 0.20473126408010586)
    return through_zero(d, t, p, 0.2669479140495345, 1.5233661012732642e-17)


cdef inline double dish_slope_near_zero(Pair d) noexcept nogil:
    """dish_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -0.02918242658898363
    p = mul_add(p, t, -0.047381168534496455)
    p = mul_add(p, t, -0.027746111567511465)
    p = mul_add(p, t, 0.029311998427021622)
    p = mul_add(p, t, 0.08644948245920007)
    p = mul_add(p, t, 0.08774877910363683)
    p = mul_add(p, t, 0.0048149103720248445)
    p = mul_add(p, t, -0.12227545065200564)
    p = mul_add(p, t, -0.1925848642003506)
    p = mul_add(p, t, -0.11501889293046032)
    p = mul_add(p, t, 0.10120794958436859)
    p = mul_add(p, t, 0.31998011722010955)
    p = mul_add(p, t, 0.37006664343884066)
    return through_zero(d, t, p, 0.20749052312284358, -5.946379725337535e-18)


cdef inline double telu_slope_near_zero(Pair d) noexcept nogil:
    """telu_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -0.00020300007293639995
    p = mul_add(p, t, 0.0002998136600306853)
    p = mul_add(p, t, 0.0016641739896076527)
    p = mul_add(p, t, 0.0034002853295961137)
    p = mul_add(p, t, 0.002771592883121439)
    p = mul_add(p, t, -0.005629789986506453)
    p = mul_add(p, t, -0.025487703563790716)
    p = mul_add(p, t, -0.04564538769345973)
    p = mul_add(p, t, -0.02287597206073338)
    p = mul_add(p, t, 0.10786032936442336)
    p = mul_add(p, t, 0.3252269138875309)
    return through_zero(d, t, p, 0.3525036331603062, -1.1622371848256492e-17)


cdef inline double smish_slope_near_zero(Pair d) noexcept nogil:
    """smish_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -2.4178809332036062e-05
    p = mul_add(p, t, -0.00012746416774762952)
    p = mul_add(p, t, -3.182413625475241e-05)
    p = mul_add(p, t, 0.0009030275191435209)
    p = mul_add(p, t, 0.0017076957573857168)
    p = mul_add(p, t, -0.003749628182140918)
    p = mul_add(p, t, -0.01756155287302157)
    p = mul_add(p, t, -0.0016443798687680107)
    p = mul_add(p, t, 0.10463359271556366)
    return through_zero(d, t, p, 0.18142037851321216, 1.3322033151693068e-17)


cdef inline double logish_slope_near_zero(Pair d) noexcept nogil:
    """logish_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -1.3113559941733339e-05
    p = mul_add(p, t, -6.973076471483915e-05)
    p = mul_add(p, t, 2.62016914800997e-06)
    p = mul_add(p, t, 0.0006480647588555651)
    p = mul_add(p, t, 0.0010926871778731946)
    p = mul_add(p, t, -0.003679910632620748)
    p = mul_add(p, t, -0.014993584924528843)
    p = mul_add(p, t, 0.003153222972179311)
    p = mul_add(p, t, 0.1086792851437427)
    return through_zero(d, t, p, 0.18341467184783952, 7.514074633528996e-18)


cdef inline double serf_slope_near_zero(Pair d) noexcept nogil:
    """serf_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -1.8336442357934125e-05
    p = mul_add(p, t, -4.462662824061037e-05)
    p = mul_add(p, t, -1.2016463672172695e-06)
    p = mul_add(p, t, 0.0003321029809314073)
    p = mul_add(p, t, 0.0010481488698988084)
    p = mul_add(p, t, 0.0008716960650573863)
    p = mul_add(p, t, -0.004524531631039909)
    p = mul_add(p, t, -0.018713084036873273)
    p = mul_add(p, t, -0.02333420603137727)
    p = mul_add(p, t, 0.04754569104272783)
    p = mul_add(p, t, 0.23161220121136644)
    return through_zero(d, t, p, 0.30150488936299114, -5.271589240996276e-18)


cdef inline double phish_slope_near_zero(Pair d) noexcept nogil:
    """phish_slope(x0 + d) for |d| <= 1/4, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -2.8673836609037843e-05
    p = mul_add(p, t, 7.103353277730701e-05)
    p = mul_add(p, t, 0.0001373548675857658)
    p = mul_add(p, t, -0.00016725585097015965)
    p = mul_add(p, t, -0.00045754587959454484)
    p = mul_add(p, t, 0.0004342276516425563)
    p = mul_add(p, t, 0.0017683273817447958)
    p = mul_add(p, t, -0.0006257385862830534)
    p = mul_add(p, t, -0.00666308159763118)
    p = mul_add(p, t, -0.0033783214632198914)
    p = mul_add(p, t, 0.015185900610528123)
    p = mul_add(p, t, 0.01110137295633988)
    p = mul_add(p, t, -0.04413474106445821)
    p = mul_add(p, t, -0.024839753724809316)
    p = mul_add(p, t, 0.1925078107758416)
    p = mul_add(p, t, 0.2528680835995483)
    p = mul_add(p, t, -0.1776850712428067)
    return through_zero(d, t, p, -0.3656367174811648, 4.472770997742273e-18)


cdef inline double elish_slope_near_zero(Pair d) noexcept nogil:
    """elish_slope(x0 + d) for |d| <= 1/16, x0 its zero."""
    cdef double t = d.hi + d.lo, p = -2.9777739835960778e-05
    p = mul_add(p, t, -1.077407821863997e-05)
    p = mul_add(p, t, 0.0002520297402033679)
    p = mul_add(p, t, 0.0005621799543683422)
    p = mul_add(p, t, -0.000686001920862859)
    p = mul_add(p, t, -0.0022889799499701343)
    p = mul_add(p, t, 0.018398282201787075)
    p = mul_add(p, t, 0.1115079263853562)
    p = mul_add(p, t, 0.25735931288071484)
    return through_zero(d, t, p, 0.24264068711928516, -1.2470230388243556e-17)


cdef inline double erf_rest(double z) noexcept nogil:
    """erf(p) / p, z = p^2 <= 0.36, is 1.128 + z times this polynomial."""
    cdef double p = -5.678877349019933e-12
    p = mul_add(p, z, 9.309944190813135e-11)
    p = mul_add(p, z, -1.2283190169317864e-09)
    p = mul_add(p, z, 1.4806876543677335e-08)
    p = mul_add(p, z, -1.63658353382317e-07)
    p = mul_add(p, z, 1.6462114171510751e-06)
    p = mul_add(p, z, -1.4925650355558099e-05)
    p = mul_add(p, z, 0.00012055332981760566)
    p = mul_add(p, z, -0.0008548327023450651)
    p = mul_add(p, z, 0.005223977625442187)
    p = mul_add(p, z, -0.026866170645131252)
    p = mul_add(p, z, 0.11283791670955126)
    return mul_add(p, z, -0.37612638903183754)


cdef inline double sine_rest(double z) noexcept nogil:
    """(sin a - a) / a^3, z = a^2 <= 0.62, relative error 2^-54 before rounding."""
    cdef double p = 2.7911413943320237e-15
    p = mul_add(p, z, -7.646959284892256e-13)
    p = mul_add(p, z, 1.6059042764859514e-10)
    p = mul_add(p, z, -2.5052108382327316e-08)
    p = mul_add(p, z, 2.7557319223980975e-06)
    p = mul_add(p, z, -0.00019841269841269839)
    p = mul_add(p, z, 0.008333333333333333)
    return mul_add(p, z, -0.16666666666666666)


cdef inline double cosine_rest(double z) noexcept nogil:
    """(cos a - 1 + a^2 / 2) / a^4, z = a^2 <= 0.62, relative error 2^-54 before rounding."""
    cdef double p = 4.745700902269626e-14
    p = mul_add(p, z, -1.1470457979362018e-11)
    p = mul_add(p, z, 2.087675577268547e-09)
    p = mul_add(p, z, -2.755731922134973e-07)
    p = mul_add(p, z, 2.4801587301584578e-05)
    p = mul_add(p, z, -0.0013888888888888887)
    return mul_add(p, z, 0.041666666666666664)


cdef inline double atan_rest(double z) noexcept nogil:
    """(atan u - u) / u^3, z = u^2 <= 0.1716, relative error 2^-54 before rounding."""
    cdef double p = 0.016284375050043393
    p = mul_add(p, z, -0.03456931506332609)
    p = mul_add(p, z, 0.045515447340221615)
    p = mul_add(p, z, -0.05230443640686948)
    p = mul_add(p, z, 0.05878927554473807)
    p = mul_add(p, z, -0.0666642476020052)
    p = mul_add(p, z, 0.07692296368042296)
    p = mul_add(p, z, -0.09090908753259112)
    p = mul_add(p, z, 0.11111111105150588)
    p = mul_add(p, z, -0.14285714285659779)
    p = mul_add(p, z, 0.19999999999999804)
    return mul_add(p, z, -0.3333333333333333)
